/**
 * The recommended pattern: the defaults, and one handler for failures that need a person.
 *
 *   npx tsx examples/simple-auto-recovery.ts                           an outage on a broker in this process
 *   npx tsx examples/simple-auto-recovery.ts mqtt://localhost:1883     your broker, until Ctrl-C
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { describeFailure, ResilientMqttClient } from 'xstate-mqtt'
import { createEmbeddedBroker } from 'xstate-mqtt/testing'

const broker = process.argv[2] ? { url: process.argv[2] } : await createEmbeddedBroker()

const client = new ResilientMqttClient({
  url: broker.url,
  // In production, leave out both options. Their defaults take minutes, which is too long for an example.
  reconnect: { maxAttempts: 3, initialDelay: 200, maxDelay: 500 },
  recovery: { initialDelay: 500, maxDelay: 1_000 },
})

client.on('stateChanged', ({ from, to }) => console.log(`${from} → ${to}`))
client.on('gaveUp', ({ failure }) => {
  console.error(`The client gave up: ${describeFailure(failure)}`)
  process.exitCode = 1
})

// Both last as long as the client: they are restored after each interruption.
client.subscribe('home/#', (message) => console.log(`${message.topic}: ${message.text()}`), { qos: 1 })
client.startPeriodicRequests({ topic: 'home/heartbeat', payload: () => new Date().toISOString(), interval: 500 })

await client.connect()
await client.publish('home/lamp', 'on', { qos: 1 })

if ('stop' in broker) {
  await sleep(800)
  await broker.stop()
  await client.waitFor('recovering')
  // Accepted now, delivered when the connection is back.
  const published = client.publish('home/lamp', 'off', { qos: 1 })
  await broker.start()
  await published
  await sleep(800)
  await client[Symbol.asyncDispose]()
  await broker.stop()
} else {
  process.once('SIGINT', () => void client[Symbol.asyncDispose]())
  console.log('Press Ctrl-C to end.')
}
