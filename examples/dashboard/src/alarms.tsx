/** @jsxImportSource react */
import { useReducer } from 'react'
import type { Message } from 'xstate-mqtt'
import { useMessages, usePublish } from 'xstate-mqtt/react'

import { type Alarm, codecs, topics } from './plant.ts'
import { timeOfDay } from './time-of-day.ts'
import { type AlarmsByTopic, withNews } from './with-news.ts'

/** The alarms of the plant. An acknowledgement during an outage waits for the connection. */
export function Alarms() {
  const [alarms, update] = useReducer(
    (known: AlarmsByTopic, { topic, value }: Message<Alarm>) => withNews(known, topic, value),
    {},
  )
  const { status, error } = useMessages(topics.alarm('+'), update, {
    qos: 1,
    codec: codecs.alarm,
  })
  const active = Object.entries(alarms).filter((entry): entry is [string, NonNullable<Alarm>] => entry[1] !== null)
  active.sort(([, one], [, other]) => other.since - one.since)
  return (
    <section className="card" aria-labelledby="alarms">
      <h2 id="alarms">
        Alarms <span className="count">{active.length}</span>
      </h2>
      {error && <p role="alert">{error.message}</p>}
      {active.length === 0 && <p className="quiet">{status === 'ready' ? 'No active alarms' : 'Not known yet'}</p>}
      <ul className="alarms" aria-live="polite">
        {active.map(([topic, alarm]) => (
          <AlarmRow key={`${topic} ${alarm.since}`} topic={topic} alarm={alarm} />
        ))}
      </ul>
    </section>
  )
}

function AlarmRow({ topic, alarm }: { readonly topic: string; readonly alarm: NonNullable<Alarm> }) {
  const { publish, pending, error } = usePublish()
  const acknowledge = () => void publish(topics.acknowledge, topic, { qos: 1 })
  return (
    <li className={alarm.acknowledged ? 'acknowledged' : ''}>
      <span className="text">
        {alarm.text}
        <small>since {timeOfDay(alarm.since)}</small>
        {error && <small role="alert">{error.message}</small>}
      </span>
      {alarm.acknowledged ? (
        <small>Acknowledged</small>
      ) : (
        <button type="button" onClick={acknowledge} disabled={pending}>
          {pending ? 'Waits …' : 'Acknowledge'}
          <span className="for-screen-readers"> {alarm.text}</span>
        </button>
      )}
    </li>
  )
}
