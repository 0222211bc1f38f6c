/** @jsxImportSource react */
import { describeFailure } from 'xstate-mqtt'
import { useMqttClient, useMqttStatus } from 'xstate-mqtt/react'

import { useSecondsUntil } from './use-seconds-until.ts'

/** Whether the connection is up, and if not, why and whether another attempt follows. */
export function Connection() {
  const client = useMqttClient()
  const { state, nextRetryAt, attempt, failure, waiting } = useMqttStatus((status) => ({
    state: status.state,
    nextRetryAt: status.nextRetryAt,
    attempt: status.attempt,
    failure: status.lastFailure,
    waiting: status.outbox.size,
  }))
  const seconds = useSecondsUntil(nextRetryAt)
  const isOnline = state === 'connected'
  const hasGivenUp = state === 'failed'
  const isFirst = !failure
  const outage = isFirst ? 'Connecting' : 'Connection lost'
  const offline = hasGivenUp ? 'Gave up' : outage
  const next = seconds === null ? `Attempt ${Math.max(1, attempt)} is under way` : `Next attempt in ${seconds} s`
  return (
    <div className={`connection ${isOnline ? 'online' : 'offline'}`} data-test="connection">
      <p role="status" className="state">
        <span className="dot" aria-hidden="true" />
        {isOnline ? 'Live' : offline}
      </p>
      {!isOnline && !isFirst && (
        <>
          {/* Not part of the status: a screen reader would read every second. */}
          <p className="detail">
            <span className="next">
              {hasGivenUp ? 'No further attempt' : next}
              {waiting > 0 && `, ${waiting === 1 ? '1 message waits' : `${waiting} messages wait`}`}
            </span>
            <span className="cause">{describeFailure(failure)}</span>
          </p>
          <button type="button" onClick={() => client.resetReconnect()} disabled={seconds === null && !hasGivenUp}>
            {hasGivenUp ? 'Connect again' : 'Try now'}
          </button>
        </>
      )}
    </div>
  )
}
