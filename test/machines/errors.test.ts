import { beforeEach, describe, expect, test, vi } from 'vitest'
import { createActor, createMachine, fromCallback, fromPromise, transition } from 'xstate'

import type {
  RefreshedCredentials,
  RefreshReason,
  TransportCommand,
  TransportInput,
} from '../../machines/connection/types.ts'
import { connectionMachine } from '../../machines/index.ts'
import { createFakeTransport } from '../../testing/fake-transport.ts'
import { createTestClock } from '../../testing/test-clock.ts'
import {
  closed,
  hours,
  readyScene,
  machineScene,
  type SceneOptions,
  seconds,
  settle,
} from '../support/machine-scene.ts'

beforeEach(() => void vi.spyOn(console, 'warn').mockImplementation(() => {}))

const broken = (): never => {
  throw new Error('broken')
}

const poll = { id: 'poll', interval: seconds(10), jitter: 0, responseTimeout: null }

describe('a transport that throws', () => {
  test('at its start is a failed attempt like any other', () => {
    const s = machineScene({ actors: { transport: fromCallback<TransportCommand, TransportInput>(broken) } })
    s.send('CONNECT')
    expect(s.state).toBe('reconnecting')
    expect(s.context.failure).toEqual({ kind: 'internal', actor: 'transport', message: 'broken' })
    s.clock.tick(hours(24))
    expect(s.heard('gaveUp')).toMatchObject([{ attempts: 10, cycles: 10 }])
    expect(s.errors).toEqual([])
  })

  test('a value other than an error is described by its type', () => {
    const throwsText = fromCallback<TransportCommand, TransportInput>(() => {
      // eslint-disable-next-line typescript/only-throw-error -- the case under test
      throw 'token=secret'
    })
    const s = machineScene({ actors: { transport: throwsText } })
    s.send('CONNECT')
    expect(s.context.failure).toMatchObject({ kind: 'internal', message: 'string' })
  })

  test('when it receives a command loses the connection', () => {
    const throwsLater = fromCallback<TransportCommand, TransportInput>(({ sendBack, receive }) => {
      receive(broken)
      sendBack({ type: 'transport.opened', sessionPresent: false })
    })
    const s = machineScene({ actors: { transport: throwsLater } })
    s.send('CONNECT')
    expect(s.state).toBe('connected.ready')
    s.send('WAKE')
    expect(s.state).toBe('reconnecting')
    expect(s.heard('connectionInterrupted')).toHaveLength(1)
  })

  test('when it receives CLOSE is closed', () => {
    const throwsLater = fromCallback<TransportCommand, TransportInput>(({ sendBack, receive }) => {
      receive(broken)
      sendBack({ type: 'transport.opened', sessionPresent: false })
    })
    const s = machineScene({ actors: { transport: throwsLater } })
    s.send('CONNECT')
    s.send('DISCONNECT')
    expect(s.state).toBe('disconnected')
    expect(s.clock.pending).toBe(0)
  })

  test('in its cleanup changes nothing, because the machine has already left it', () => {
    const throwsLast = fromCallback<TransportCommand, TransportInput>(({ sendBack }) => {
      sendBack({ type: 'transport.failed', failure: closed })
      return broken
    })
    const s = machineScene({ actors: { transport: throwsLast } })
    s.send('CONNECT')
    expect(s.state).toBe('reconnecting')
    expect(s.context).toMatchObject({ attempt: 1, failure: closed })
    s.clock.tick(hours(24))
    expect(s.heard('gaveUp')).toHaveLength(1)
    expect(s.errors).toEqual([])
  })

  test('is the default of the machine: the error says what to provide, and the machine stays alive', () => {
    const clock = createTestClock()
    const actor = createActor(connectionMachine, { clock, input: { now: clock.now } })
    actor.start()
    actor.send({ type: 'CONNECT' })
    expect(actor.getSnapshot().value).toBe('reconnecting')
    expect(actor.getSnapshot().context.failure).toMatchObject({
      kind: 'internal',
      message: expect.stringContaining('connectionMachine.provide({ actors: { transport } })'),
    })
    actor.stop()
  })
})

describe('a credentials source that throws', () => {
  test('synchronously is a transient failure', () => {
    const s = machineScene({
      input: { canRefresh: true },
      actors: { refreshToken: fromPromise<RefreshedCredentials, { reason: RefreshReason }>(broken) },
    })
    s.send('CONNECT')
    expect(s.state).toBe('reconnecting')
    expect(s.context.failure).toEqual({ kind: 'refresh', name: 'Error' })
    expect(s.errors).toEqual([])
  })

  test.each([undefined, null, 'token', {}, { expiresAt: Number.NaN }, { expiresAt: Number.POSITIVE_INFINITY }])(
    'is tolerated if it resolves with %s',
    async (output) => {
      const s = machineScene({
        input: { canRefresh: true },
        actors: {
          refreshToken: fromPromise<RefreshedCredentials, { reason: RefreshReason }>(async () => output as never),
        },
      })
      s.send('CONNECT')
      await settle()
      expect(s.state).toBe('connecting')
      s.transport.current.open()
      s.clock.tick(hours(24))
      expect(s.state).toBe('connected.ready')
      expect(s.errors).toEqual([])
    },
  )
})

describe('subscriptions that throw', () => {
  test('in their sync actor are tried once more, then the connection is replaced', () => {
    const s = machineScene({ sync: broken })
    s.send('CONNECT')
    s.transport.current.open()
    expect(s.rounds).toHaveLength(2)
    expect(s.state).toBe('reconnecting')
    expect(s.errors).toEqual([])
  })

  test('in their sync actor during a new subscription have the same result', async () => {
    const s = await readyScene({ sync: (round) => (round.restoring ? round.settle() : broken()) })
    s.actor.getSnapshot().children.subscriptions!.send({ type: 'wanted.changed' })
    expect(s.state).toBe('reconnecting')
    s.clock.tick(seconds(1))
    s.transport.current.open()
    expect(s.state).toBe('connected.ready')
  })

  test('in a custom actor are replaced with the next connection', () => {
    let opened = 0
    const own = createMachine({
      on: {
        'connection.opened': {
          actions: ({ self }) => {
            if (++opened === 1) throw new Error('broken')
            self._parent!.send({ type: 'subscriptions.restored', restored: 1, refused: 0 })
          },
        },
      },
    })
    const s = machineScene({ actors: { subscriptions: own as never } })
    s.send('CONNECT')
    s.transport.current.open()
    expect(s.state).toBe('reconnecting')
    expect(s.context.failure).toEqual({ kind: 'internal', actor: 'subscriptions', message: 'broken' })
    s.clock.tick(seconds(1))
    s.transport.current.open()
    expect(s.state, 'never connected without subscriptions').toBe('connected.ready')
    expect(s.errors).toEqual([])
  })

  test('at each start make no hot loop', () => {
    const s = machineScene({
      actors: { subscriptions: fromCallback(broken) as never },
      transport: (connection) => connection.open(),
    })
    expect(s.state).toBe('idle')
    s.send('CONNECT')
    expect(s.state).toBe('reconnecting')
    s.clock.tick(hours(24))
    expect(s.transport.connections).toHaveLength(21)
    expect(s.errors).toEqual([])
  })
})

describe('a periodic request that throws', () => {
  test('in a custom actor is removed, and the connection stays', async () => {
    const s = await readyScene({ actors: { periodicRequest: fromCallback(broken) as never } })
    s.send({ type: 'PERIODIC.START', schedule: poll })
    expect(s.state).toBe('connected.ready')
    expect(s.context.periodic).toEqual([])
    expect(s.actor.getSnapshot().children['poll']).toBeUndefined()
    s.transport.current.fail()
    expect(s.errors).toEqual([])
  })
})

describe('functions of the user that throw', () => {
  test.each<[string, SceneOptions['input']]>([
    ['classify', { classify: broken }],
    ['classify returns nonsense', { classify: () => 'nonsense' as never }],
    ['random', { random: broken }],
    ['random is NaN', { random: () => Number.NaN }],
    ['jitter', { reconnect: { jitter: broken }, recovery: { jitter: broken } }],
    ['jitter is NaN', { reconnect: { jitter: () => Number.NaN }, recovery: { jitter: () => Number.NaN } }],
    ['redirect.allow', { redirect: { allow: broken } }],
  ])('%s', (_, input) => {
    const s = machineScene({
      ...(input ? { input } : {}),
      transport: (c) => c.fail({ kind: 'disconnected', reasonCode: 0x9c, serverReference: 'other:1883' }),
    })
    s.send('CONNECT')
    s.clock.tick(hours(24))
    expect(s.heard('gaveUp'), 'after all attempts').toMatchObject([{ attempts: 10, cycles: 10 }])
    expect(s.heard('reconnectScheduled').map(({ delay }) => delay / 1000)).toEqual([
      1, 2, 4, 8, 16, 32, 64, 120, 120, 120,
    ])
    expect(s.errors).toEqual([])
  })
})

describe('a machine with only a transport', () => {
  test('connects, reconnects and disconnects', () => {
    const clock = createTestClock()
    const transport = createFakeTransport((connection) => connection.open())
    const actor = createActor(connectionMachine.provide({ actors: { transport: transport.logic } }), { clock })
    actor.start()
    actor.send({ type: 'CONNECT' })
    expect(actor.getSnapshot().matches({ connected: 'ready' })).toBe(true)
    transport.current.fail()
    expect(actor.getSnapshot().matches('reconnecting')).toBe(true)
    clock.tick(seconds(1))
    expect(actor.getSnapshot().matches('connected')).toBe(true)
    actor.send({ type: 'DISCONNECT' })
    expect(actor.getSnapshot().matches('disconnected')).toBe(true)
    expect(transport.running).toBe(0)
    expect(clock.pending).toBe(0)
    actor.stop()
  })

  test('works as a child of another machine', () => {
    const clock = createTestClock()
    const transport = createFakeTransport((connection) => connection.open())
    const parent = createMachine({
      invoke: { id: 'mqtt', src: connectionMachine.provide({ actors: { transport: transport.logic } }), input: {} },
    })
    const actor = createActor(parent, { clock }).start()
    const child = actor.getSnapshot().children['mqtt']!
    child.send({ type: 'CONNECT' })
    expect((child.getSnapshot() as { value: unknown }).value).toEqual({ connected: 'ready' })
    actor.stop()
    expect(transport.running).toBe(0)
    expect(clock.pending).toBe(0)
  })

  test('allows its transitions to be computed without an actor', () => {
    const idle = createActor(connectionMachine).getSnapshot()
    const [connecting] = transition(connectionMachine, idle, { type: 'CONNECT' })
    expect(connecting.value).toBe('connecting')
    const [restoring] = transition(connectionMachine, connecting, { type: 'transport.opened', sessionPresent: false })
    expect(restoring.value).toEqual({ connected: 'restoring' })
  })
})

describe('an inspector', () => {
  test('receives snapshots and events that are JSON', async () => {
    const s = await readyScene({ input: { canRefresh: true }, transport: (connection) => connection.open() })
    s.send({ type: 'PERIODIC.START', schedule: poll })
    s.send('RECOVER')
    s.transport.current.fail()
    await settle()
    expect(s.inspected.length).toBeGreaterThan(20)
    const events = s.inspected.flatMap((each) => ('event' in each ? [each.event] : []))
    const snapshots = s.inspected.flatMap((each) => ('snapshot' in each ? [each.snapshot] : []))
    const received = JSON.parse(JSON.stringify({ events, snapshots })) as { events: object[]; snapshots: object[] }
    for (const event of received.events) expect(event).toHaveProperty('type')
    for (const snapshot of received.snapshots) expect(snapshot).toHaveProperty('status')
    const { value, context } = JSON.parse(JSON.stringify(s.actor.getSnapshot())) as { value: unknown; context: object }
    expect(value).toEqual({ refreshingToken: 'offline' })
    expect(context).toMatchObject({ attempt: 0, failure: closed, periodic: ['poll'] })
  })
})
