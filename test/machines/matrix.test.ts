import { describe, expect, test } from 'vitest'
import type { AnyStateNode } from 'xstate'

import type { ConnectionInput } from '../../machines/config.ts'
import type { Failure } from '../../machines/failure.ts'
import { connectionMachine } from '../../machines/index.ts'
import {
  banned,
  busy,
  closed,
  hours,
  kicked,
  minutes,
  moved,
  muteTransport,
  notAuthorized,
  machineScene,
  seconds,
  START,
} from '../support/machine-scene.ts'
import type { Scene, SceneOptions, SyncRound } from '../support/machine-scene.ts'

const states = [
  'idle',
  'connecting',
  'connected.restoring',
  'connected.ready',
  'connected.reauthenticating',
  'reconnecting',
  'failed',
  'recovering',
  'refreshingToken.online',
  'refreshingToken.offline',
  'disconnecting',
  'disconnected',
] as const
type State = (typeof states)[number]

const failed = (failure: Failure) => ({ type: 'transport.failed', failure })

/** Every command, every report, and XState's events about actors. */
const events = {
  CONNECT: { type: 'CONNECT' },
  DISCONNECT: { type: 'DISCONNECT' },
  RETRY: { type: 'RETRY' },
  WAKE: { type: 'WAKE' },
  RECOVER: { type: 'RECOVER' },
  DROP: { type: 'DROP' },
  'PERIODIC.START': {
    type: 'PERIODIC.START',
    schedule: { id: 'poll', interval: 1000, jitter: 0, responseTimeout: null },
  },
  'PERIODIC.STOP': { type: 'PERIODIC.STOP', id: 'poll' },
  opened: { type: 'transport.opened', sessionPresent: false },
  'failed: closed': failed(closed),
  'failed: busy': failed(busy),
  'failed: not authorized': failed(notAuthorized),
  'failed: moved': failed(moved),
  'failed: banned': failed(banned),
  closed: { type: 'transport.closed' },
  chosen: { type: 'server.chosen', current: 'a', address: 'a', moved: false, servers: [] },
  'fail-back due': { type: 'failBack.due' },
  quiet: { type: 'session.quiet' },
  busy: { type: 'session.busy' },
  reauthenticated: { type: 'transport.reauthenticated' },
  progress: { type: 'subscriptions.progress', done: 1, total: 2 },
  restored: { type: 'subscriptions.restored', restored: 2, refused: 0 },
  unanswered: { type: 'subscriptions.unanswered' },
  'transport threw': { type: 'xstate.error.actor.transport', error: new Error('broken') },
  'subscriptions threw': { type: 'xstate.error.actor.subscriptions', error: new Error('broken') },
  'periodic request threw': { type: 'xstate.error.actor.poll', error: new Error('broken') },
  refreshed: { type: 'xstate.done.actor.refresh', output: { expiresAt: null } },
  'refresh failed': { type: 'xstate.error.actor.refresh', error: new Error('unreachable') },
  'refresh forbidden': {
    type: 'xstate.error.actor.refresh',
    error: Object.assign(new Error(), { name: 'InvalidCredentialsError' }),
  },
} as const
type Event = keyof typeof events

type Matrix = Record<State, Partial<Record<Event, State>>>

const base: ConnectionInput = {
  reconnect: { maxAttempts: 1 },
  recovery: { maxAttempts: 5 },
  redirect: { allow: (server) => server === 'other:1883' },
}

/** The target of each pair with a credentials source and fresh credentials. Other pairs stay in their state. */
const withSource: Matrix = {
  idle: { CONNECT: 'refreshingToken.offline' },
  connecting: {
    DISCONNECT: 'disconnecting',
    opened: 'connected.restoring',
    'failed: closed': 'reconnecting',
    'failed: busy': 'reconnecting',
    'failed: not authorized': 'reconnecting',
    'failed: moved': 'connecting',
    'failed: banned': 'failed',
    'transport threw': 'reconnecting',
  },
  'connected.restoring': {
    DISCONNECT: 'disconnecting',
    RECOVER: 'refreshingToken.offline',
    restored: 'connected.ready',
    'failed: closed': 'reconnecting',
    'failed: busy': 'reconnecting',
    'failed: not authorized': 'reconnecting',
    'failed: moved': 'connecting',
    'failed: banned': 'failed',
    unanswered: 'reconnecting',
    'transport threw': 'reconnecting',
    'subscriptions threw': 'reconnecting',
  },
  'connected.ready': {
    DISCONNECT: 'disconnecting',
    RECOVER: 'refreshingToken.online',
    'failed: closed': 'reconnecting',
    'failed: busy': 'reconnecting',
    'failed: not authorized': 'reconnecting',
    'failed: moved': 'connecting',
    'failed: banned': 'failed',
    unanswered: 'reconnecting',
    'transport threw': 'reconnecting',
    'subscriptions threw': 'reconnecting',
  },
  'connected.reauthenticating': {
    DISCONNECT: 'disconnecting',
    reauthenticated: 'connected.ready',
    'failed: closed': 'reconnecting',
    'failed: busy': 'reconnecting',
    'failed: not authorized': 'reconnecting',
    'failed: moved': 'connecting',
    'failed: banned': 'failed',
    unanswered: 'reconnecting',
    'transport threw': 'reconnecting',
    'subscriptions threw': 'reconnecting',
  },
  reconnecting: {
    DISCONNECT: 'disconnected',
    RETRY: 'connecting',
    WAKE: 'connecting',
    RECOVER: 'refreshingToken.offline',
  },
  failed: { DISCONNECT: 'disconnected', RETRY: 'connecting', RECOVER: 'refreshingToken.offline' },
  recovering: {
    DISCONNECT: 'disconnected',
    RETRY: 'connecting',
    WAKE: 'connecting',
    RECOVER: 'refreshingToken.offline',
  },
  'refreshingToken.online': {
    DISCONNECT: 'disconnecting',
    'failed: closed': 'refreshingToken.offline',
    'failed: busy': 'reconnecting',
    'failed: not authorized': 'refreshingToken.offline',
    'failed: moved': 'connecting',
    'failed: banned': 'failed',
    unanswered: 'refreshingToken.offline',
    'transport threw': 'refreshingToken.offline',
    'subscriptions threw': 'refreshingToken.offline',
    refreshed: 'connecting',
    'refresh failed': 'connected.ready',
    'refresh forbidden': 'failed',
  },
  'refreshingToken.offline': {
    DISCONNECT: 'disconnected',
    refreshed: 'connecting',
    'refresh failed': 'reconnecting',
    'refresh forbidden': 'failed',
  },
  disconnecting: {
    closed: 'disconnected',
    'failed: closed': 'disconnected',
    'failed: busy': 'disconnected',
    'failed: not authorized': 'disconnected',
    'failed: moved': 'disconnected',
    'failed: banned': 'disconnected',
    'transport threw': 'disconnected',
  },
  disconnected: { CONNECT: 'connecting' },
}

/** Without a credentials source, a CONNACK that refuses the credentials is final. */
const withoutSource: Omit<Matrix, 'connected.reauthenticating' | 'refreshingToken.online' | 'refreshingToken.offline'> =
  {
    ...withSource,
    idle: { CONNECT: 'connecting' },
    connecting: { ...withSource.connecting, 'failed: not authorized': 'failed' },
    'connected.restoring': {
      ...withSource['connected.restoring'],
      'failed: not authorized': 'failed',
      RECOVER: 'connecting',
    },
    'connected.ready': { ...withSource['connected.ready'], 'failed: not authorized': 'failed', RECOVER: 'connecting' },
    reconnecting: { ...withSource.reconnecting, RECOVER: 'connecting' },
    failed: { ...withSource.failed, RECOVER: 'connecting' },
    recovering: { ...withSource.recovering, RECOVER: 'connecting' },
  }

const pairs = (matrix: Partial<Matrix>, from: readonly State[]) =>
  from.flatMap((state) =>
    (Object.keys(events) as Event[]).map((event) => [state, event, matrix[state]?.[event] ?? state] as const),
  )

describe('with a credentials source', () => {
  test.each(pairs(withSource, states))('%s + %s → %s', (state, event, target) => {
    const s = reach(state, { ...base, canRefresh: true })
    s.tell(events[event])
    expect(s.state).toBe(target)
    expect(s.errors).toEqual([])
  })
})

describe('without a credentials source', () => {
  const possible = states.filter((state) => !/^refreshingToken|reauthenticating$/.test(state))
  test.each(pairs(withoutSource, possible))('%s + %s → %s', (state, event, target) => {
    const s = reach(state, base)
    s.tell(events[event])
    expect(s.state).toBe(target)
    expect(s.errors).toEqual([])
  })
})

/** However long its actors are silent. Delays run on the clock of the actor, so the wall clock does not matter. */
describe.each([
  ['stands still', 0],
  ['jumps a day ahead', hours(24)],
  ['is set back by a day', -hours(24)],
])('without an event, while the wall clock %s', (_, jump) => {
  const timeouts = {
    connectTimeout: 11,
    refreshTimeout: 12,
    disconnectTimeout: 13,
    subscribeTimeout: 14,
    authenticationTimeout: 15,
  }
  const inTime: ConnectionInput = { ...base, canRefresh: true, timeouts, recovery: { refreshTokenEvery: 0 } }

  test.each<[State, number | null, State]>([
    ['idle', null, 'idle'],
    ['connecting', 11, 'reconnecting'],
    ['connected.restoring', 28, 'reconnecting'],
    ['connected.ready', null, 'connected.ready'],
    ['connected.reauthenticating', 15, 'connecting'],
    ['reconnecting', seconds(1), 'connecting'],
    ['failed', null, 'failed'],
    ['recovering', minutes(1), 'connecting'],
    ['refreshingToken.online', 12, 'connected.ready'],
    ['refreshingToken.offline', 12, 'reconnecting'],
    ['disconnecting', 13, 'disconnected'],
    ['disconnected', null, 'disconnected'],
  ])('%s after %s ms → %s', (state, after, target) => {
    // A connection without a SUBACK does not stay ready.
    const answered = /ready|reauthenticating/.test(state) ? (round: SyncRound) => round.settle() : undefined
    const wall = { ahead: 0 }
    const s = reach(state, { ...inTime, now: () => START + wall.ahead }, answered)
    wall.ahead = jump
    s.clock.tick(after === null ? minutes(60 * 24) : after - 1)
    expect(s.state, 'not before').toBe(state)
    s.clock.tick(1)
    expect(s.state).toBe(target)
  })

  test('failed is left at once for a recovery, but only after observers have seen it', () => {
    const s = reach('connecting', { ...inTime, reconnect: { enabled: false } })
    s.tell(events['failed: closed'])
    expect(s.state).toBe('failed')
    s.clock.tick(0)
    expect(s.state).toBe('recovering')
  })
})

describe('the target after a failure: the first rule that holds decides', () => {
  const input: ConnectionInput = { ...base, canRefresh: true }
  const noSource: ConnectionInput = { ...base, canRefresh: false }

  test.each<[string, ConnectionInput, (s: Scene) => void, Failure, State]>([
    ['fatal has priority over everything', input, proven, banned, 'failed'],
    ['fatal has priority over a recovery', input, recovering, banned, 'failed'],
    ['proven credentials that are refused are refreshed', input, proven, kicked, 'refreshingToken.offline'],
    ['fresh credentials that are refused are not', input, fresh, kicked, 'reconnecting'],
    ['refused credentials without a source are retried', noSource, proven, kicked, 'reconnecting'],
    ['proven credentials that are refused in a recovery', input, recovering, kicked, 'recovering'],
    ['a redirect', input, fresh, moved, 'connecting'],
    ['a redirect in a recovery', input, recovering, moved, 'connecting'],
    [
      'a redirect to a server that is not allowed',
      input,
      fresh,
      { kind: 'disconnected', reasonCode: 0x9d, serverReference: 'evil' },
      'reconnecting',
    ],
    [
      'a redirect after the last allowed hop',
      { ...input, redirect: { allow: () => true, maxHops: 0 } },
      fresh,
      moved,
      'reconnecting',
    ],
    ['a recovery with cycles left continues', input, recovering, closed, 'recovering'],
    ['a recovery without cycles left', { ...input, recovery: { maxAttempts: 1 } }, recovering, closed, 'failed'],
    ['attempts left', input, fresh, closed, 'reconnecting'],
    ['no attempts left', { ...input, reconnect: { maxAttempts: 0 } }, fresh, closed, 'failed'],
    ['reconnect disabled', { ...input, reconnect: { enabled: false } }, fresh, closed, 'failed'],
  ])('%s', (_, config, arrange, failure, target) => {
    const s = reach('connecting', config)
    arrange(s)
    s.tell(failed(failure))
    expect(s.state).toBe(target)
    expect(s.context.failure).toEqual(failure)
  })

  function fresh(s: Scene) {
    s.tell(events.opened)
    s.tell(events.restored)
    expect(s.state).toBe('connected.ready')
  }

  function proven(s: Scene) {
    fresh(s)
    s.clock.tick(seconds(30))
  }

  /** Connected again, but not yet stable. */
  function recovering(s: Scene) {
    s.tell(events['failed: closed'])
    s.clock.tick(seconds(1))
    s.tell(events['failed: closed'])
    s.clock.tick(0)
    expect(s.state).toBe('recovering')
    s.clock.tick(minutes(1))
    fresh(s)
    expect(s.context.cycle).toBe(1)
  }
})

describe('every state', () => {
  const nodes = descendants(connectionMachine.root)
  const tagged: Record<State, string[]> = {
    idle: ['resting'],
    connecting: ['busy'],
    'connected.restoring': ['busy', 'online'],
    'connected.ready': ['online', 'ready'],
    'connected.reauthenticating': ['busy', 'online', 'ready'],
    reconnecting: ['waiting'],
    failed: ['resting'],
    recovering: ['waiting'],
    'refreshingToken.online': ['busy', 'online', 'ready'],
    'refreshingToken.offline': ['busy'],
    disconnecting: ['busy'],
    disconnected: ['resting'],
  }

  test('is in this table', () => {
    const leaves = nodes.filter((node) => node.type === 'atomic').map((node) => node.path.join('.'))
    expect(leaves.toSorted()).toEqual([...states].toSorted())
    const top = nodes.filter((node) => node.path.length === 1).map((node) => node.key)
    expect(top).toEqual([
      'idle',
      'connecting',
      'connected',
      'reconnecting',
      'failed',
      'recovering',
      'refreshingToken',
      'disconnecting',
      'disconnected',
    ])
  })

  test.each(nodes.map((node) => [node.path.join('.'), node.description]))('%s has a description', (_, description) => {
    expect(description).toMatch(/^[A-Z].{15,}\.$/)
  })

  test.each(states)('%s has the right tags', (state) => {
    const s = reach(state, { ...base, canRefresh: true })
    const snapshot = s.actor.getSnapshot()
    expect([...snapshot.tags].toSorted()).toEqual(tagged[state])
    expect(snapshot.matches(state.split('.')[0] as 'idle'), 'matched by its flat name').toBe(true)
    expect(snapshot.hasTag('online'), 'online means that a connection is open').toBe(
      s.context.openedAt !== null && state !== 'disconnecting',
    )
    expect(s.context.retryAt !== null, 'retryAt is set only while waiting').toBe(snapshot.hasTag('waiting'))
    expect(snapshot.hasTag('resting') && s.clock.pending > 0, 'a timer, while resting').toBe(false)
  })
})

function descendants(node: AnyStateNode): AnyStateNode[] {
  return Object.values(node.states).flatMap((child) => [child, ...descendants(child)])
}

/** Brings a machine with silent actors into a state. */
function reach(state: State, input: ConnectionInput, sync: SceneOptions['sync'] = () => {}): Scene {
  const s = machineScene({ input, actors: { transport: muteTransport }, sync })
  const tell = (...names: Event[]) => {
    for (const name of names) s.tell(events[name])
  }
  if (state !== 'idle') {
    tell('CONNECT')
    if (input.canRefresh && !/offline|reauthenticating/.test(state)) tell('refreshed')
  }
  const steps: Record<State, () => void> = {
    idle: () => {},
    'refreshingToken.offline': () => {},
    connecting: () => {},
    'connected.restoring': () => tell('opened'),
    'connected.ready': () => tell('opened', 'restored'),
    'connected.reauthenticating': () => {
      s.tell({ type: 'xstate.done.actor.refresh', output: { expiresAt: START - 1 } })
      s.tell({ ...events.opened, reauthenticates: true })
      tell('restored')
      s.clock.tick(seconds(1))
      tell('refreshed')
    },
    reconnecting: () => tell('failed: closed'),
    failed: () => {
      tell('failed: banned')
      s.clock.tick(0)
    },
    recovering: () => {
      tell('failed: closed')
      s.clock.tick(seconds(1))
      tell('failed: closed')
      s.clock.tick(0)
    },
    'refreshingToken.online': () => tell('opened', 'restored', 'RECOVER'),
    disconnecting: () => tell('opened', 'restored', 'DISCONNECT'),
    disconnected: () => tell('opened', 'restored', 'DISCONNECT', 'closed'),
  }
  steps[state]()
  expect(s.state, 'reached').toBe(state)
  return s
}
