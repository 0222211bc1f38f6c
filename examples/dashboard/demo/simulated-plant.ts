import { ResilientMqttClient, text } from 'xstate-mqtt'

import { type Alarm, codecs, HISTORY, type Reading, type Sensor, sensors, topics } from '../src/plant.ts'

/** How a value follows its target: by this part of the distance each second. */
const INERTIA: Readonly<Record<string, number>> = { flow: 0.5, pressure: 0.35, outlet: 0.06, vibration: 0.6 }

/**
 * A plant that publishes readings and alarms, and obeys commands.
 *
 * @param interval - of the readings, in milliseconds
 */
export async function startPlant(url: string, interval: number): Promise<AsyncDisposable> {
  const client = new ResilientMqttClient({
    url,
    reconnect: { initialDelay: 50, maxDelay: 100, maxAttempts: Number.POSITIVE_INFINITY },
  })
  const histories = new Map(sensors.map(({ id }) => [id, [] as Reading[]]))
  const alarms = new Map<string, Alarm>()
  let pump = { running: true, since: Date.now() - 3_600_000 }

  const publishAlarm = (id: string) => {
    const alarm = alarms.get(id) ?? null
    void client.publish(topics.alarm(id), alarm, { qos: 1, retain: true, codec: codecs.alarm, latest: true })
  }
  const publishPump = () =>
    void client.publish(topics.pump, pump, { qos: 1, retain: true, codec: codecs.pump, latest: true })
  const publishHistory = (id: string) => {
    const history = histories.get(id) ?? []
    void client.publish(topics.history(id), history, { qos: 1, retain: true, codec: codecs.history, latest: true })
  }
  const check = (sensor: Sensor, { value, at }: Reading) => {
    const complaint = complaintOf(sensor, value)
    const alarm = alarms.get(sensor.id) ?? null
    if ((complaint === undefined) === (alarm === null)) return
    alarms.set(sensor.id, complaint === undefined ? null : { text: complaint, since: at, acknowledged: false })
    publishAlarm(sensor.id)
  }
  const measure = (at: number) => {
    for (const sensor of sensors) {
      const history = histories.get(sensor.id) ?? []
      const reading = { at, value: nextValue(sensor.id, history.at(-1)?.value, at, pump.running, interval) }
      history.push(reading)
      while (history[0] && history[0].at <= at - HISTORY) history.shift()
      if (client.isConnected) void client.publish(topics.reading(sensor.id), reading, { codec: codecs.reading })
      check(sensor, reading)
    }
  }
  // The minute before the page was opened.
  for (let at = Date.now() - HISTORY; at < Date.now(); at += 1_000) measure(at)

  client.subscribe(
    topics.pumpCommand,
    ({ value }) => {
      if (value.running !== pump.running) pump = { running: value.running, since: Date.now() }
      publishPump()
      void client.publish(value.replyTo, pump, { qos: 1, codec: codecs.pump })
    },
    { qos: 1, codec: codecs.pumpCommand },
  )
  client.subscribe(
    topics.acknowledge,
    ({ value: topic }) => {
      const id = topic.split('/').at(-1) ?? ''
      const alarm = alarms.get(id)
      if (alarm) alarms.set(id, { ...alarm, acknowledged: true })
      publishAlarm(id)
    },
    { qos: 1, codec: text },
  )
  // The broker keeps nothing when it is restarted.
  client.on('connected', () => {
    publishPump()
    for (const { id } of sensors) publishHistory(id)
    for (const id of alarms.keys()) publishAlarm(id)
  })
  await client.connect()

  const measuring = setInterval(() => measure(Date.now()), interval)
  const remembering = setInterval(() => {
    if (client.isConnected) for (const { id } of sensors) publishHistory(id)
  }, 5_000)
  return {
    async [Symbol.asyncDispose]() {
      clearInterval(measuring)
      clearInterval(remembering)
      await client[Symbol.asyncDispose]()
    },
  }
}

function nextValue(id: string, last: number | undefined, at: number, running: boolean, interval: number): number {
  const target = targetOf(id, at / 1_000, running)
  if (last === undefined) return target
  return last + (target - last) * Math.min(1, ((INERTIA[id] ?? 0.3) * interval) / 1_000)
}

function targetOf(id: string, seconds: number, running: boolean): number {
  const wave = (period: number, phase = 0) => Math.sin((seconds / period + phase) * 2 * Math.PI)
  const noise = () => Math.random() - 0.5
  switch (id) {
    case 'inlet':
      return 24 + 1.2 * wave(70) + 0.5 * noise()
    case 'outlet':
      return running ? 47 + 2.2 * wave(45, 0.3) + noise() : 68
    case 'flow':
      return running ? 12.4 + 0.7 * wave(23) + 0.9 * noise() : 0.1
    case 'pressure':
      return running ? 2.6 + 0.12 * wave(31, 0.1) + 0.1 * noise() : 1.1
    case 'level':
      return 18.4 + 0.6 * wave(120, 0.6)
    default:
      return running ? 2.4 + 0.35 * wave(17) + 1.1 * noise() : 0.1
  }
}

function complaintOf({ name, low, high }: Sensor, value: number): string | undefined {
  if (low !== undefined && value < low) return `${name} is low`
  return high !== undefined && value > high ? `${name} is high` : undefined
}
