import { expect, onTestFinished, test } from 'vitest'

import { ClientDisposedError, createFleet, InvalidOptionError, type FleetOptions } from '../../src/index.ts'
import { createScriptedServer, type Script } from '../../testing/index.ts'
import { until } from '../support/event-loop.ts'

const gate = { ask: () => () => {} }

async function start(options: FleetOptions = {}, script?: Script) {
  const server = await createScriptedServer(script ? { script } : {})
  const fleet = createFleet({ ...options, shared: { url: server.url, ...options.shared } })
  onTestFinished(async () => {
    await fleet[Symbol.asyncDispose]()
    await server[Symbol.asyncDispose]()
  })
  return { server, fleet }
}

test('opens at most maxConnecting connections at a time, and finally all of them', async () => {
  const { server, fleet } = await start({ maxConnecting: 5 }, { delay: 20 })
  let most = 0
  fleet.on('stateChanged', () => (most = Math.max(most, fleet.status.connecting)))
  const clients = Array.from({ length: 40 }, () => fleet.createClient({}))
  const connected = Promise.all(clients.map((client) => client.connect()))
  await until(() => fleet.status.waiting === 35, 'all have asked')
  expect(fleet.status).toMatchObject({ clients: 40, connecting: 5, online: 0 })
  expect(clients.map(({ status }) => status.admission)).toEqual(clients.map((_, n) => (n < 5 ? 'granted' : 'awaited')))
  expect(fleet.status.states.connecting).toBe(40)
  await connected
  expect(most).toBe(5)
  expect(fleet.status).toMatchObject({ connecting: 0, waiting: 0, online: 40 })
  expect(clients.every(({ status }) => status.admission === 'none')).toBe(true)
  expect(fleet.status.states.connected).toBe(40)
  expect(server.openSockets).toBe(40)
})

test('forwards the events of every present and future client until the listener is removed', async () => {
  const { fleet } = await start()
  const early = fleet.createClient({})
  const told: unknown[] = []
  const stop = fleet.on('connected', ({ client, sessionPresent }) => told.push([client, sessionPresent]))
  const late = fleet.createClient({})
  await early.connect()
  await late.connect()
  stop()
  await early.disconnect()
  await early.connect()
  await fleet.createClient({}).connect()
  expect(told).toEqual([
    [early, false],
    [late, false],
  ])
})

test('prefers a client’s options over the shared ones', async () => {
  const { server, fleet } = await start({ shared: { options: { clientId: 'shared' } } })
  await fleet.createClient({ options: { clientId: 'own' } }).connect()
  expect(server.current?.connect?.clientId).toBe('own')
})

test('merges each property of `options` separately', async () => {
  const { server, fleet } = await start({ shared: { options: { protocolVersion: 5, keepalive: 20_000 } } })
  await fleet.createClient({ options: { clientId: 'own', keepalive: 30_000 } }).connect()
  expect(server.current?.connect).toMatchObject({ protocolVersion: 5, clientId: 'own', keepalive: 30 })
})

test('replaces shared options with a function, and shares a function', async () => {
  const { server, fleet } = await start({ shared: { options: { keepalive: 20_000 } } })
  await fleet.createClient({ options: () => ({ clientId: 'own' }) }).connect()
  expect(server.current?.connect).toMatchObject({ clientId: 'own', keepalive: 60 })
})

test('rejects a client without a URL if there is no shared one', () => {
  const fleet = createFleet()
  expect(() => fleet.createClient()).toThrow(expect.objectContaining({ name: 'InvalidOptionError', option: 'url' }))
  expect(fleet.status.clients).toBe(0)
})

test('removes a disposed client from the fleet and from the queue', async () => {
  const { fleet } = await start({ maxConnecting: 1 }, { connack: false })
  const [first, second] = [fleet.createClient({}), fleet.createClient({})]
  first.connect().catch(() => {})
  second.connect().catch(() => {})
  await until(() => fleet.status.waiting === 1, 'both have asked')
  expect(fleet.status).toMatchObject({ clients: 2, connecting: 1 })
  await second[Symbol.asyncDispose]()
  expect(fleet.status).toMatchObject({ clients: 1, connecting: 1, waiting: 0 })
  await first[Symbol.asyncDispose]()
  expect(fleet.status).toMatchObject({ clients: 0, connecting: 0, waiting: 0 })
})

test('closes many connections in parallel', async () => {
  const { server, fleet } = await start()
  await Promise.all(Array.from({ length: 300 }, () => fleet.createClient({}).connect()))
  let most = 0
  fleet.on('stateChanged', () => (most = Math.max(most, fleet.status.states.disconnecting)))
  await fleet[Symbol.asyncDispose]()
  expect(most, 'all disconnect at the same time').toBe(300)
  expect(fleet.clients.size).toBe(0)
  await until(() => server.openSockets === 0, 'all are gone')
  expect(server.received('disconnect')).toHaveLength(300)
})

test('lets one client try a broker that is down, and the others in when that one is ready', async () => {
  const { server, fleet } = await start({ shared: { reconnect: { initialDelay: 50, maxDelay: 200 } } })
  const clients = Array.from({ length: 40 }, () => fleet.createClient())
  await Promise.all(clients.map((client) => client.connect()))
  expect(fleet.status).toMatchObject({ waitingForCanary: 0, circuits: [] })
  await server.close()
  await until(() => fleet.status.waitingForCanary >= 35, 'most wait for a canary')
  const { circuits, connecting, online } = fleet.status
  expect([online, connecting <= 1]).toEqual([0, true])
  expect(circuits).toMatchObject([{ servers: [`mqtt://127.0.0.1:${server.port}`] }])
  expect(['open', 'half-open']).toContain(circuits[0]?.state)
  expect(clients.filter(({ status }) => status.state === 'connecting' && status.admission === 'awaited').length).toBe(
    fleet.status.waiting,
  )
  await server.listen()
  await until(() => fleet.status.online === 40, 'all are back')
  expect(fleet.status).toMatchObject({ waiting: 0, waitingForCanary: 0, connecting: 0, circuits: [] })
  expect(clients.reduce((sum, { status }) => sum + status.counters.failedAttempts, 0)).toBeLessThan(80)
})

test.each<[FleetOptions, string]>([
  [{ maxConnecting: 0 }, 'maxConnecting must be a whole number of at least 1, or Infinity, got 0'],
  [{ maxConnecting: 1.5 }, 'maxConnecting must be a whole number of at least 1, or Infinity, got 1.5'],
  [{ maxConnecting: '5' as never }, 'maxConnecting must be a whole number of at least 1, or Infinity, got "5"'],
  [{ canaries: 0 }, 'canaries must be a whole number of at least 1, or Infinity, got 0'],
  [{ canaries: Number.NaN }, 'canaries must be a whole number of at least 1, or Infinity, got NaN'],
  [{ connectRate: 0 }, 'connectRate must be a number greater than 0, got 0'],
  [{ connectRate: '5' as never }, 'connectRate must be a number greater than 0, got "5"'],
  [{ connectRate: Number.NaN }, 'connectRate must be a number greater than 0, got NaN'],
  [{ shared: { gate } as never }, 'shared.gate must be left out: the fleet provides the gate'],
])('refuses %o', (options, message) => {
  expect(() => createFleet(options)).toThrow(InvalidOptionError)
  expect(() => createFleet(options)).toThrow(message)
})

test('accepts Infinity as maxConnecting', () => {
  expect(() => createFleet({ maxConnecting: Number.POSITIVE_INFINITY })).not.toThrow()
})

test('rejects a client that has its own gate', () => {
  const fleet = createFleet({ shared: { url: 'mqtt://localhost' } })
  expect(() => fleet.createClient({ gate } as never)).toThrow('gate must be left out: the fleet provides the gate')
  expect(fleet.status.clients).toBe(0)
})

test('admits its clients in order', async () => {
  const { server, fleet } = await start({ maxConnecting: 1 })
  const clients = Array.from({ length: 10 }, (_, n) => fleet.createClient({ options: { clientId: String(n) } }))
  const order = [3, 1, 4, 0, 5, 9, 2, 6, 8, 7]
  await Promise.all(order.map((n) => clients[n]!.connect()))
  expect(server.connections.map(({ connect }) => Number(connect?.clientId))).toEqual(order)
})

test('creates no client once its disposal has begun', async () => {
  const { fleet } = await start()
  await fleet.createClient().connect()
  const over = fleet[Symbol.asyncDispose]()
  expect(() => fleet.createClient()).toThrow(ClientDisposedError)
  await over
  expect(() => fleet.createClient()).toThrow(ClientDisposedError)
  expect(fleet.clients.size).toBe(0)
})
