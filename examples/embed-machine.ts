/**
 * The connection machine inside a machine of the application. Messages do not pass through the machines.
 *
 *   npx tsx examples/embed-machine.ts                           an outage on a broker in this process
 *   npx tsx examples/embed-machine.ts mqtt://localhost:1883     your broker, until Ctrl-C
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createActor, raise, sendTo, setup, waitFor, type SnapshotFrom } from 'xstate'
import { createConnectionMachine } from 'xstate-mqtt'
import type { connectionMachine } from 'xstate-mqtt/machines'
import { createEmbeddedBroker } from 'xstate-mqtt/testing'

const broker = process.argv[2] ? { url: process.argv[2] } : await createEmbeddedBroker()

const connection = createConnectionMachine({
  url: broker.url,
  // In production, leave out both options. Their defaults take minutes, which is too long for an example.
  reconnect: { maxAttempts: 3, initialDelay: 200, maxDelay: 500 },
  recovery: { initialDelay: 500, maxDelay: 1_000 },
})

type ConnectionSnapshot = SnapshotFrom<typeof connectionMachine>

/** Translates a snapshot of the connection into an event of the application. */
function linkOf(snapshot: ConnectionSnapshot): GatewayEvent {
  if (snapshot.matches('disconnected')) return { type: 'link.closed' }
  const ready = snapshot.hasTag('online') && !snapshot.matches({ connected: 'restoring' })
  return { type: ready ? 'link.up' : 'link.down' }
}

type GatewayEvent = { type: 'link.up' } | { type: 'link.down' } | { type: 'link.closed' } | { type: 'SHUT_DOWN' }

const gateway = setup({
  types: { events: {} as GatewayEvent },
  actors: { connection: connection.machine },
  actions: {
    connect: sendTo('connection', { type: 'CONNECT' }),
    disconnect: sendTo('connection', { type: 'DISCONNECT' }),
    switchOn: () => console.log('gateway: sensors on'),
    switchOff: () => console.log('gateway: sensors off'),
  },
}).createMachine({
  id: 'gateway',
  initial: 'offline',
  invoke: {
    id: 'connection',
    src: 'connection',
    input: connection.input,
    onSnapshot: { actions: raise(({ event }) => linkOf(event.snapshot)) },
  },
  entry: 'connect',
  states: {
    offline: { on: { 'link.up': 'online' } },
    online: { entry: 'switchOn', exit: 'switchOff', on: { 'link.down': 'offline' } },
    shuttingDown: { entry: 'disconnect', on: { 'link.closed': 'off' } },
    off: { type: 'final' },
  },
  on: { SHUT_DOWN: '.shuttingDown' },
})

connection.subscribe('gateway/#', (message) => console.log(`${message.topic}: ${message.text()}`), { qos: 1 })

const actor = createActor(gateway).start()
const reached = (state: 'online' | 'offline') => waitFor(actor, (snapshot) => snapshot.matches(state))

await reached('online')
await connection.publish('gateway/reading', '21.5', { qos: 1 })

if ('stop' in broker) {
  await sleep(500)
  await broker.stop()
  await reached('offline')
  const published = connection.publish('gateway/reading', '22.0', { qos: 1 })
  await broker.start()
  await published
  await sleep(500)
  await shutDown()
  await broker.stop()
} else {
  process.once('SIGINT', () => void shutDown())
  console.log('Press Ctrl-C to end.')
}

async function shutDown(): Promise<void> {
  actor.send({ type: 'SHUT_DOWN' })
  await waitFor(actor, ({ status }) => status === 'done')
  connection[Symbol.dispose]()
}
