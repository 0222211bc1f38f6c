/**
 * Accepted messages survive the end of the process: a sensor without a connection is killed, and the next process delivers
 * the messages that it had accepted. Needs `npm install classic-level`.
 *
 *   npx tsx examples/durable-outbox.ts                          a broker in this process
 *   npx tsx examples/durable-outbox.ts mqtt://localhost:1883    your broker
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ResilientMqttClient } from 'xstate-mqtt'
import { createEmbeddedBroker } from 'xstate-mqtt/testing'

const [argument, store] = process.argv.slice(2)

if (argument === '--sensor') await measure(store)
else await deliver(argument)

/** The first process. It has no broker, and is killed. */
async function measure(folder = 'store'): Promise<void> {
  const client = new ResilientMqttClient({ url: 'mqtt://localhost:1', store: folder })
  for (let n = 1; n <= 5; n++) {
    // When `accepted` resolves, the message is on disk, and the client guarantees its delivery.
    await client.publish('sensor/reading', `reading ${n}`, { qos: 2, durable: true }).accepted
    console.log(`sensor: reading ${n} accepted, ${client.outbox.size} waiting`)
  }
  process.kill(process.pid, 'SIGKILL')
}

/** The second process. It has the same store, and a broker. */
async function deliver(url: string | undefined): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'durable-outbox-'))
  const [, signal] = await once(fork(fileURLToPath(import.meta.url), ['--sensor', folder]), 'exit')
  console.log(`sensor: ended by ${signal}`)

  const broker = url ? { url } : await createEmbeddedBroker()
  if ('onPublish' in broker) broker.onPublish(({ payload }) => console.log(`broker: ${payload.toString()}`))
  const client = new ResilientMqttClient({
    url: broker.url,
    store: folder,
    // The broker keeps the session, so that QoS 2 stays exactly-once. The client id comes from the store.
    options: { clean: false },
  })
  client.on('outboxRestored', ({ waiting }) => console.log(`next process: ${waiting} restored`))
  const drained = new Promise((resolve) => client.on('drained', resolve))
  await client.connect()
  await drained
  await client[Symbol.asyncDispose]()
  console.log('next process: all delivered')

  if ('stop' in broker) await broker.stop()
  await rm(folder, { recursive: true })
}
