/** @jsxImportSource react */
import { useMqttStatus, useRequest, useSubscription } from 'xstate-mqtt/react'

import { codecs, topics } from './plant.ts'
import { timeOfDay } from './time-of-day.ts'

/** Each page has an answer topic of its own, so that it gets no answers to others. */
const replyTo = `plant/pump/answer/${Math.random().toString(36).slice(2)}`

/** A command with an answer. During an outage it waits for the connection, and can be cancelled. */
export function Pump() {
  const { value: pump, error: refusal } = useSubscription(topics.pump, { qos: 1, codec: codecs.pump })
  const { request, cancel, pending, data, error } = useRequest(topics.pumpCommand, {
    requestCodec: codecs.pumpCommand,
    responseCodec: codecs.pump,
    responseTopic: replyTo,
    timeout: 30_000,
  })
  const isOnline = useMqttStatus(({ state }) => state === 'connected')
  const running = pump?.running ?? true
  const answer = data && `It has been ${data.running ? 'running' : 'stopped'} since ${timeOfDay(data.since)}.`
  const waiting = isOnline ? 'Waiting for the pump …' : 'Sent when the connection is back.'
  const state = pump && (pump.running ? 'Running' : 'Stopped')
  return (
    <section className="card" aria-labelledby="pump">
      <h2 id="pump">Circulation pump</h2>
      <p className="pump">
        <span className={`lamp ${pump?.running ? 'on' : ''}`} aria-hidden="true" />
        {state ?? 'Not known yet'}
      </p>
      {refusal && <p role="alert">{refusal.message}</p>}
      <div className="buttons">
        <button type="button" disabled={pending || !pump} onClick={() => void request({ running: !running, replyTo })}>
          {running ? 'Stop the pump' : 'Start the pump'}
        </button>
        {pending && (
          <button type="button" className="plain" onClick={cancel}>
            Cancel
          </button>
        )}
      </div>
      <p className={`answer ${error ? 'failed' : ''}`} role="status">
        {pending ? waiting : (error?.message ?? answer ?? '')}
      </p>
    </section>
  )
}
