/**
 * A periodic request that expects a response each time, and pauses while there is no connection. It monitors a pump.
 *
 *   npx tsx examples/periodic-requests.ts                                     a broker in this process
 *   npx tsx examples/periodic-requests.ts mqtt://localhost:1883               your broker
 *   PROTOCOL=5 npx tsx examples/periodic-requests.ts mqtt://localhost:1883    the same with MQTT 5
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { ResilientMqttClient, type Message } from 'xstate-mqtt'
import { createEmbeddedBroker } from 'xstate-mqtt/testing'

const url = process.argv[2]
const protocolVersion = process.env.PROTOCOL === '5' ? 5 : 4
if (protocolVersion === 5 && !url) throw new Error('PROTOCOL=5 needs the URL of a broker that speaks MQTT 5')
const broker = url ? { url } : await createEmbeddedBroker()

// In production, leave out `reconnect`. Its default takes seconds, which is too long for an example.
const options = {
  url: broker.url,
  options: { protocolVersion },
  reconnect: { initialDelay: 200, maxDelay: 500 },
} as const

// The pump, and another pump that answers on the same topic.
const pump = new ResilientMqttClient(options)
let stuck = false
const asked = pump.subscribe('pumps/status/get', async () => {
  await pump.publish('pumps/status', 'pump 2: running')
  if (!stuck) await pump.publish('pumps/status', 'pump 1: running')
})
await Promise.all([pump.connect(), asked.ready])

const client = new ResilientMqttClient(options)
let answered = 0
let missed = 0
const watch = client.startPeriodicRequests({
  topic: 'pumps/status/get',
  payload: () => new Date().toISOString(),
  interval: 200,
  // Keeps thousands of clients from asking at the same time.
  jitter: 0.1,
  response: {
    filter: 'pumps/status',
    timeout: 150,
    match: (message) => message.text().startsWith('pump 1'),
  },
  onResponse: (message: Message) => {
    answered++
    console.log(message.text())
  },
  onTimeout: () => {
    missed++
    console.log('pump 1: no answer')
  },
})
await client.connect()
await until(() => answered >= 2)

console.log('the pump is stuck')
stuck = true
await until(() => missed >= 2)
stuck = false

watch.pause()
const before = answered
await sleep(500)
console.log(`paused: ${answered - before} answers`)
watch.resume()
await until(() => answered > before)

if ('stop' in broker) {
  console.log('the broker is stopped')
  await broker.stop()
  await client.waitFor('reconnecting')
  const offline = answered
  await broker.start()
  // The requests continue automatically when messages flow again.
  await until(() => answered > offline)
}

watch.stop()
await Promise.all([client[Symbol.asyncDispose](), pump[Symbol.asyncDispose]()])
if ('stop' in broker) await broker.stop()

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(20)
}
