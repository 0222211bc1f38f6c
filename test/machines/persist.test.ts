import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { createActor, fromCallback, type Snapshot } from 'xstate'

import type { ConnectionInput } from '../../machines/config.ts'
import { connectionMachine, periodicRequestMachine, subscriptionsMachine, withConfig } from '../../machines/index.ts'
import { createFakeTransport } from '../../testing/fake-transport.ts'
import { createTestClock } from '../../testing/test-clock.ts'
import {
  banned,
  busy,
  closed,
  muteTransport,
  notAuthorized,
  readyScene,
  machineScene,
  seconds,
  settle,
  START,
  type Scene,
} from '../support/machine-scene.ts'

type Make = () => Scene | Promise<Scene>

const connected = async () => {
  const s = await readyScene()
  s.clock.tick(seconds(5))
  return s
}

const reconnecting = async () => {
  const s = await connected()
  s.transport.current.fail(closed)
  s.clock.tick(400)
  return s
}

const onlySlow: ConnectionInput = { reconnect: { enabled: false } }
const fatal: ConnectionInput = { classify: () => 'fatal' }

/** A scene in each state, the state after the restore, and the expected context. */
const states: [string, Make, string, object][] = [
  ['idle', () => machineScene(), 'idle', { attempt: 0 }],
  ['connecting', () => sent(machineScene()), 'connecting', { attempt: 0 }],
  ['connected.restoring', () => opened(machineScene({ sync: () => {} })), 'connecting', { counters: { connects: 1 } }],
  ['connected.ready', connected, 'connecting', { counters: { connects: 1, interruptions: 0 }, replaced: true }],
  [
    'reconnecting',
    reconnecting,
    'reconnecting',
    { attempt: 1, delay: 600, failure: closed, interruptedAt: START + 5_000 },
  ],
  ['failed', () => failing(banned), 'failed', { failure: banned, disposition: 'fatal' }],
  ['failed', () => failing(closed, fatal), 'failed', { failure: closed, disposition: 'fatal' }],
  ['recovering', () => recovering(), 'recovering', { cycle: 1, delay: 59_600, counters: { cycles: 1 } }],
  ['refreshingToken.offline', () => sent(machineScene({ input: { canRefresh: true } })), 'refreshingToken.offline', {}],
  ['refreshingToken.online', renewing, 'refreshingToken.offline', { refreshReason: 'initial' }],
  ['disconnecting', disconnecting, 'disconnected', {}],
  ['disconnected', disconnected, 'disconnected', {}],
]

describe.each(states)('persisted in %s', (name, make, comesBack, knows) => {
  test.each([
    ['through JSON', fromJson],
    ['as an object', (s: Scene) => s.actor.getPersistedSnapshot()],
  ])(`%s is restored in ${comesBack}, never as open`, async (_, persist) => {
    const before = await make()
    expect(before.state).toBe(name)
    const s = again(before, persist(before))
    expect(s.state).toBe(comesBack)
    expect(s.context).toMatchObject({ openedAt: null, admission: 'none', ...knows })
    expect(s.actor.getSnapshot().hasTag('online')).toBe(false)
    expect(s.errors).toEqual([])
  })

  test('is alive after the restore: it connects on request, or automatically', async () => {
    const before = await make()
    const s = again(before, fromJson(before))
    s.send('CONNECT')
    s.send('RETRY')
    for (let n = 0; n < 5 && s.state !== 'connected.ready'; n++) {
      await settle()
      if (s.state.startsWith('refreshingToken')) s.tokens.at(-1)?.resolve()
      await settle()
      if (s.state === 'connecting') s.transport.current.open()
    }
    expect(s.state).toBe('connected.ready')
    s.send('DISCONNECT')
    expect(s.state).toBe('disconnected')
    expect(s.clock.pending).toBe(0)
    expect(s.transport.running).toBe(0)
  })

  test('can be persisted again after the restore', async () => {
    const before = await make()
    const s = again(before, fromJson(before))
    expect(again(s, fromJson(s)).state).toBe(comesBack)
  })
})

describe('after the restore', () => {
  test.each([
    [0, 600],
    [250, 350],
    [600, 0],
    [seconds(3_600), 0],
    // The wall clock was set back: the rest is at most the original delay.
    [-seconds(3_600), 1_000],
  ])('a delay continues with its rest: %i ms later, %i ms remain', async (later, rest) => {
    const before = await reconnecting()
    const s = machineScene({ snapshot: fromJson(before), after: before.time + later })
    expect(s.heard('reconnectScheduled')).toMatchObject([{ attempt: 1, delay: rest }])
    if (rest > 0) s.clock.tick(rest - 1)
    expect(s.transport.connections).toHaveLength(0)
    s.clock.tick(1)
    expect(s.transport.connections).toHaveLength(1)
    s.transport.current.fail(closed)
    expect(s.context).toMatchObject({ attempt: 2, delay: seconds(2) })
  })

  test('a machine that gave up emits gaveUp, and stays in failed', async () => {
    const s = again(failing(banned))
    expect(s.heard('gaveUp')).toHaveLength(1)
    s.clock.tick(seconds(3_600))
    expect(s.state).toBe('failed')
    expect(s.transport.connections).toHaveLength(0)
  })

  test('a machine that was about to recover recovers', () => {
    const s = again(failing(closed, onlySlow))
    expect(s.state).toBe('failed')
    s.clock.next()
    expect(s.state).toBe('recovering')
  })

  test('a connection attempt has a timeout like any other', () => {
    const s = again(sent(machineScene()))
    s.clock.tick(seconds(30))
    expect(s.context.failure).toEqual({ kind: 'timeout', phase: 'connect' })
  })

  test('admission is requested again', () => {
    const s = again(sent(machineScene({ input: { gated: true }, actors: { admission: silent } })), undefined, {
      input: { gated: true },
      actors: { admission: silent },
    })
    expect(s.state).toBe('connecting')
    expect(s.context).toMatchObject({ admission: 'awaited', transport: false })
  })

  test('the downtime is emitted when the machine is ready again', async () => {
    const before = await reconnecting()
    const s = again(before)
    s.clock.tick(600)
    s.transport.current.open()
    expect(s.heard('connectionResumed')).toMatchObject([{ downtime: seconds(1) }])
  })
})

describe('credentials', () => {
  test('are requested again, because a snapshot contains no secrets', async () => {
    const before = await readyScene({ input: { canRefresh: true } }, seconds(3_600))
    const s = again(before)
    expect(s.context.credentials).toEqual({ status: 'missing', expiresAt: null, lifetime: null })
    expect(s.tokens).toMatchObject([{ reason: 'initial' }])
  })

  test('are still refused if they were refused before', () => {
    const s = again(failingWithToken())
    s.send('RETRY')
    expect(s.tokens).toMatchObject([{ reason: 'refused' }])
  })

  test('are requested from a source that is new after the restore', async () => {
    const s = again(await connected(), undefined, { input: { canRefresh: true } })
    expect(s.state).toBe('refreshingToken.offline')
  })
})

describe('periodic requests', () => {
  const poll = { id: 'poll', interval: seconds(10), jitter: 0, responseTimeout: null }
  const idle = { ...poll, id: 'idle', interval: Number.POSITIVE_INFINITY }

  test('continue with the next connection, and stay paused if they were', async () => {
    const before = await readyScene()
    for (const schedule of [poll, idle]) before.send({ type: 'PERIODIC.START', schedule })
    before.actor.getSnapshot().children['idle']!.send({ type: 'PAUSE' })
    const s = again(before)
    expect(s.context.periodic).toEqual(['poll', 'idle'])
    s.transport.current.open()
    expect(s.requests.map(({ id }) => id)).toEqual(['poll'])
    s.clock.tick(seconds(10))
    expect(s.requests.map(({ id }) => id)).toEqual(['poll', 'poll'])
    s.actor.getSnapshot().children['idle']!.send({ type: 'RESUME' })
    expect(s.requests.at(-1)?.id).toBe('idle')
    s.send({ type: 'PERIODIC.STOP', id: 'poll' })
    expect(s.context.periodic).toEqual(['idle'])
  })
})

describe('functions', () => {
  test('are never part of the context', async () => {
    const before = await readyScene({
      input: { classify: () => undefined, redirect: { allow: () => true }, reconnect: { jitter: () => 1 } },
    })
    before.send({ type: 'PERIODIC.START', schedule: { id: 'poll', interval: 1, jitter: 0, responseTimeout: null } })
    const snapshot = before.actor.getPersistedSnapshot()
    expect(functionsIn(snapshot)).toEqual([])
    expect(JSON.parse(JSON.stringify(snapshot)).context).toEqual((snapshot as unknown as { context: object }).context)
  })

  test('of withConfig are used from the start of the actor on', async () => {
    const jitter = vi.fn(() => 7)
    const given: ConnectionInput = {
      reconnect: { jitter, maxAttempts: Number.POSITIVE_INFINITY },
      classify: () => 'retry',
    }
    const before = await readyScene({ input: given })
    const s = again(before, undefined, { input: given })
    s.transport.current.fail(banned)
    expect(s.context).toMatchObject({ delay: 7, disposition: 'retry' })
  })

  test('that are not given are replaced by the values of the snapshot, including Infinity', async () => {
    const forever = { reconnect: { maxAttempts: Number.POSITIVE_INFINITY, initialDelay: 5, jitter: () => 3 } }
    const before = await readyScene({ input: { ...forever, refreshBefore: Number.POSITIVE_INFINITY } })
    const s = again(before)
    expect(s.context.config.reconnect).toMatchObject({ maxAttempts: Number.POSITIVE_INFINITY, initialDelay: 5 })
    expect(s.context.config.refreshBefore).toBe(Number.POSITIVE_INFINITY)
    expect(s.context.config.reconnect.jitter, 'the function was lost').toBe('equal')
    expect(s.context.config.recovery).toEqual(before.context.config.recovery)
  })

  test('have defaults in a restored machine without any input', async () => {
    const before = await readyScene()
    const clock = createTestClock({ now: before.clock.now() })
    const transport = createFakeTransport()
    const machine = connectionMachine.provide({ actors: { transport: transport.logic } })
    const actor = createActor(machine, { clock, snapshot: fromJson(before) as never }).start()
    onTestFinished(() => void actor.stop())
    transport.current.open()
    transport.current.fail({ kind: 'disconnected', reasonCode: 0x8b })
    expect(actor.getSnapshot().value).toBe('reconnecting')
  })

  test('of one actor are not changed by another actor that is restored from it', async () => {
    const before = await readyScene()
    const { config } = before.context
    const s = again(before, before.actor.getPersistedSnapshot(), { input: { reconnect: { maxAttempts: 1 } } })
    expect(s.context.config.reconnect.maxAttempts).toBe(1)
    expect(before.context.config).toBe(config)
    expect(config.reconnect.maxAttempts).toBe(10)
  })
})

test('of withConfig are also input for a new actor, whose own input has priority', () => {
  const machine = withConfig(connectionMachine, { reconnect: { maxAttempts: 3, initialDelay: 5 }, canRefresh: true })
  const input = { reconnect: { maxAttempts: 4 } }
  const { config } = createActor(machine, { input }).getSnapshot().context
  expect(config).toMatchObject({ canRefresh: true, reconnect: { maxAttempts: 4, initialDelay: 5 } })
  expect(createActor(connectionMachine).getSnapshot().context.config.reconnect.maxAttempts).toBe(10)
})

test('an invalid snapshot is rejected with an error', () => {
  const errors: unknown[] = []
  const actor = createActor(connectionMachine, { snapshot: { status: 'active', value: 'idle' } as never })
  actor.subscribe({ error: (error) => errors.push(error) })
  actor.start()
  expect(errors).toHaveLength(1)
})

test.each([
  [subscriptionsMachine, { random: half, resubscribe: { jitter: half } }],
  [
    periodicRequestMachine,
    { schedule: { id: 'x', interval: 5, jitter: 0, responseTimeout: null }, now: half, random: half },
  ],
] as const)('a machine beside it holds no function in its context either (%#)', (machine, input) => {
  const actor = createActor(machine as typeof subscriptionsMachine, { input: input as never })
  expect(functionsIn(actor.getPersistedSnapshot())).toEqual([])
})

const silent = fromCallback(() => {})

/** The same machine in another process, at the same time. */
function again(
  before: Scene,
  snapshot: Snapshot<unknown> = fromJson(before),
  options: Parameters<typeof machineScene>[0] = {},
) {
  return machineScene({ snapshot, after: before.time, ...options })
}

function fromJson({ actor }: Scene): Snapshot<unknown> {
  return JSON.parse(JSON.stringify(actor.getPersistedSnapshot())) as Snapshot<unknown>
}

function sent(s: Scene): Scene {
  s.send('CONNECT')
  return s
}

function opened(s: Scene): Scene {
  sent(s).transport.current.open()
  return s
}

function failing(failure: typeof closed, input: ConnectionInput = {}): Scene {
  const s = machineScene({ input, transport: (connection) => connection.fail(failure) })
  return sent(s)
}

function recovering(): Scene {
  const s = failing(busy, { ...onlySlow, recovery: { jitter: 'none', maxDelay: seconds(60) }, classify: () => 'retry' })
  s.clock.next()
  s.clock.tick(400)
  return s
}

function failingWithToken(): Scene {
  const s = machineScene({
    input: { canRefresh: true, reconnect: { enabled: false }, recovery: { enabled: false } },
    refresh: (request) => request.resolve(),
    transport: (connection) => connection.fail(notAuthorized),
  })
  s.send('CONNECT')
  s.tell({ type: 'xstate.done.actor.refresh', output: { expiresAt: null } })
  return s
}

async function renewing(): Promise<Scene> {
  const s = await readyScene({ input: { canRefresh: true } }, seconds(100))
  s.clock.tick(seconds(90))
  return s
}

function disconnecting(): Scene {
  const s = machineScene({ actors: { transport: muteTransport } })
  s.send('CONNECT')
  s.send('DISCONNECT')
  return s
}

async function disconnected(): Promise<Scene> {
  const s = await connected()
  s.send('DISCONNECT')
  await settle()
  return s
}

function half(): number {
  return 0.5
}

function functionsIn(value: unknown, path = ''): string[] {
  if (typeof value === 'function') return [path]
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([name, each]) => functionsIn(each, `${path}.${name}`))
}
