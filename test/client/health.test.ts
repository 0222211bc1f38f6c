import { describe, expect, test } from 'vitest'
import { createActor } from 'xstate'

import { connectionHealth, connectionMachine, type ConnectionContext } from '../../machines/index.ts'
import { createFleet, type Health } from '../../src/index.ts'
import { createTestClock, type Script } from '../../testing/index.ts'
import { until } from '../support/event-loop.ts'
import { rejection } from '../support/promises.ts'
import { once, startClient } from '../support/recorded-client.ts'
import { startServer } from '../support/servers.ts'

const idle = createActor(connectionMachine, { input: {} }).getSnapshot()
const fatal: Partial<ConnectionContext> = { disposition: 'fatal', failure: { kind: 'closed' } }
const broken = { kind: 'internal', actor: 'machine', message: 'TypeError' } as const

describe('of each state', () => {
  test.each<[value: unknown, health: string, context?: Partial<ConnectionContext>]>([
    ['idle', 'live idle'],
    ['connecting', 'live connecting'],
    ['connecting', 'live waiting-for-admission', { admission: 'awaited' }],
    [{ connected: 'restoring' }, 'live restoring'],
    [{ connected: 'ready' }, 'live ready ready'],
    [{ connected: 'ready' }, 'live ready ready', { admission: 'awaited' }],
    ['reconnecting', 'live reconnecting'],
    ['failed', 'live recovering'],
    ['failed', 'gave-up', fatal],
    ['failed', 'gave-up', { ...fatal, failure: { ...broken, actor: 'transport' } }],
    ['failed', 'internal-error', { ...fatal, failure: broken }],
    ['recovering', 'live recovering'],
    [{ refreshingToken: 'online' }, 'live ready ready'],
    [{ refreshingToken: 'offline' }, 'live refreshing-credentials'],
    ['disconnecting', 'live disconnecting'],
    ['disconnected', 'live disconnected'],
  ])('%j: %s', (value, expected, context = {}) => {
    const snapshot = connectionMachine.resolveState({ value: value as never, context: { ...idle.context, ...context } })
    expect(words(connectionHealth(snapshot))).toBe(expected)
  })

  test.each([
    ['stopped', 'stopped'],
    ['error', 'internal-error'],
  ] as const)('an actor with the status %s', (status, expected) => {
    const { value, context } = idle
    expect(words(connectionHealth({ status, value, context, hasTag: () => true }))).toBe(expected)
  })
})

const busy: Script = { connack: { reasonCode: 0x89 } }
const banned: Script = { connack: { reasonCode: 0x8a } }

describe('of a client', () => {
  test('says since when it is ready, and since when it is not', async () => {
    const clock = createTestClock({ now: 1e12 })
    const server = await startServer({ script: [{}, busy, {}] })
    const { client, next } = startClient({ url: server.url, clock, now: clock.now, options: { protocolVersion: 5 } })
    expect(client.health()).toEqual({ live: true, ready: false, reason: 'idle', since: 1e12 })
    clock.tick(1_000)
    const connecting = client.connect()
    expect(client.health()).toEqual({ live: true, ready: false, reason: 'connecting', since: 1e12 })
    await connecting
    expect(client.health()).toEqual({ live: true, ready: true, reason: 'ready', since: 1e12 + 1_000 })

    clock.tick(1_000)
    server.connections[0]?.close()
    await next('reconnectScheduled', 1)
    clock.tick(100)
    client.wake()
    await next('reconnectScheduled', 2)
    expect(client.health()).toEqual({ live: true, ready: false, reason: 'reconnecting', since: 1e12 + 2_000 })
    clock.tick(100)
    client.wake()
    await next('connectionResumed')
    expect(client.health()).toEqual({ live: true, ready: true, reason: 'ready', since: clock.now() })

    await client.disconnect()
    expect(words(client.health())).toBe('live disconnected')
    await client[Symbol.asyncDispose]()
    expect(words(client.health())).toBe('stopped')
  })

  test('is live again once the application asks it to go on', async () => {
    const server = await startServer({ script: [banned, {}] })
    const { client } = startClient({ url: server.url, ...once, options: { protocolVersion: 5 } })
    await rejection(client.connect())
    expect(words(client.health())).toBe('gave-up')
    await client.connect()
    expect(words(client.health())).toBe('live ready ready')
    client.actor.send({ type: '*' } as never)
    expect(words(client.health())).toBe('internal-error')
    await client[Symbol.asyncDispose]()
  })

  test('survives a clock that throws', async () => {
    const server = await startServer()
    let isBroken = false
    const now = () => {
      if (isBroken) throw new Error('broken')
      return 1e12
    }
    const { client } = startClient({ url: server.url, now })
    await client.connect()
    isBroken = true
    expect(client.health()).toEqual({ live: true, ready: true, reason: 'ready', since: 1e12 })
    isBroken = false
  })

  test('waits for admission in a fleet', async () => {
    const server = await startServer({ script: { connack: false } })
    await using fleet = createFleet({ maxConnecting: 1, shared: { url: server.url } })
    const [first, second] = [fleet.createClient(), fleet.createClient()]
    for (const client of fleet.clients) client.connect().catch(() => {})
    await until(() => first.status.state === 'connecting', 'the first attempt')
    expect([words(first.health()), words(second.health())]).toEqual(['live connecting', 'live waiting-for-admission'])
  })
})

function words({ live, ready, reason }: Omit<Health, 'since'>): string {
  return [live && 'live', ready && 'ready', reason].filter(Boolean).join(' ')
}
