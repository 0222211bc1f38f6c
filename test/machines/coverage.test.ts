import { expect, test } from 'vitest'
import type { AnyMachineSnapshot, AnyStateMachine, AnyStateNode, AnyTransitionDefinition, EventObject } from 'xstate'
import { getAdjacencyMap } from 'xstate/graph'

import type { ConnectionInput } from '../../machines/config.ts'
import type { ConnectionContext } from '../../machines/connection/types.ts'
import type { Failure } from '../../machines/failure.ts'
import { connectionMachine, periodicRequestMachine, subscriptionsMachine } from '../../machines/index.ts'
import { knownServers } from '../../machines/policy/servers.ts'
import { banned, busy, closed, kicked, moved, muteTransport, machineScene, START } from '../support/machine-scene.ts'

test('the connection machine reaches every declared transition', () => {
  const reached = new Set<string>()
  const runs: ConnectionInput[] = [
    // The first renews credentials on open connections.
    { canRefresh: true },
    { canRefresh: false },
    { gated: true },
    { gated: true, canRefresh: true },
    { failover: { selection: 'ordered', failBackAfter: 0 } },
    { failover: { selection: 'ordered', failBackAfter: 0 }, gated: true },
    // `classify` may return any disposition.
    { canRefresh: true, classify: () => 'fatal' },
    { canRefresh: true, classify: () => 'refresh' },
    { canRefresh: true, classify: () => 'retry-later' },
  ]
  for (const [n, run] of runs.entries()) {
    const input: ConnectionInput = {
      ...run,
      now: () => START,
      random: () => 0,
      reconnect: { maxAttempts: 1 },
      recovery: { maxAttempts: 2, refreshTokenEvery: 2 },
      redirect: { allow: () => true, maxHops: 1 },
    }
    const graph = getAdjacencyMap(connectionMachine as AnyStateMachine, {
      input,
      events: connectionEvents(n === 0),
      serializeState: coarse,
      limit: 100_000,
    })
    collect(connectionMachine, graph, reached)
  }
  collectEventless(reached)
  expect(missing(connectionMachine, reached).filter((transition) => !impossible(transition))).toEqual([])
  expect(declared(connectionMachine).length, 'the machine declares transitions').toBeGreaterThan(100)
})

/** The same chain of guards decides everywhere. After some events, some of its rules can never hold. */
function impossible(transition: string): boolean {
  // Only a server's answer can redirect.
  if (transition.includes('if "redirects"')) return !transition.includes('on transport.failed')
  // The refresh that the rule would start is under way, or has just failed.
  return /^\S*refreshingToken\S* on/.test(transition) && transition.includes('if "wantsCredentials"')
}

test('the subscriptions machine reaches every declared transition', () => {
  const graph = getAdjacencyMap(subscriptionsMachine.provide({ actions: toNobody }) as AnyStateMachine, {
    input: {},
    events: [
      { type: 'connection.opened', sessionPresent: false },
      { type: 'connection.lost' },
      { type: 'wanted.changed' },
      { type: 'sync.progress', done: 1, total: 2 },
      { type: 'sync.settled', wanted: 1, held: 1, refused: 0, retryable: 0 },
      { type: 'sync.settled', wanted: 1, held: 0, refused: 1, retryable: 1 },
      ...internalEvents(subscriptionsMachine),
    ],
    serializeState: (snapshot) => {
      const { unanswered, refusals } = (snapshot as AnyMachineSnapshot).context
      return JSON.stringify([(snapshot as AnyMachineSnapshot).value, unanswered, Math.min(refusals, 2)])
    },
    limit: 5_000,
  })
  const reached = new Set<string>()
  collect(subscriptionsMachine, graph, reached)
  collectEventless(reached)
  expect(missing(subscriptionsMachine, reached)).toEqual([])
})

test('the periodic request machine reaches every declared transition', () => {
  const reached = new Set<string>()
  for (const responseTimeout of [null, 500]) {
    const schedule = { id: 'poll', interval: 1000, jitter: 0, responseTimeout }
    const graph = getAdjacencyMap(periodicRequestMachine as AnyStateMachine, {
      input: { schedule, now: () => START, random: () => 0 },
      events: [
        { type: 'connection.ready' },
        { type: 'connection.lost' },
        { type: 'PAUSE' },
        { type: 'RESUME' },
        { type: 'request.sent' },
        { type: 'request.done' },
        { type: 'request.failed' },
        ...internalEvents(periodicRequestMachine),
      ],
      serializeState: (snapshot) => JSON.stringify((snapshot as AnyMachineSnapshot).value),
      limit: 1_000,
    })
    collect(periodicRequestMachine, graph, reached)
  }
  expect(missing(periodicRequestMachine, reached)).toEqual([])
})

/** A graph has no parent that receives reports. */
const toNobody = { reportProgress: () => {}, reportRestored: () => {}, reportUnanswered: () => {} }

const [preferred, other] = knownServers(
  [
    { server: 'a', priority: 0, weight: 1 },
    { server: 'b', priority: 1, weight: 1 },
  ],
  [],
)
const twoServers = [preferred, other]

/** @param reauthenticates - whether credentials are renewed on an open connection */
function connectionEvents(reauthenticates: boolean): (EventObject & Record<string, unknown>)[] {
  const reauthenticating: Failure = { kind: 'closed', reauthenticating: true }
  const failures = [closed, busy, banned, kicked, moved, ...(reauthenticates ? [reauthenticating] : [])]
  return [
    ...['CONNECT', 'DISCONNECT', 'RETRY', 'WAKE', 'RECOVER', 'DROP'].map((type) => ({ type })),
    { type: 'PERIODIC.START', schedule: { id: 'poll', interval: 1000, jitter: 0, responseTimeout: null } },
    { type: 'PERIODIC.STOP', id: 'poll' },
    { type: 'server.chosen', current: 'b', address: 'b', moved: false, servers: twoServers },
    { type: 'failBack.due' },
    { type: 'session.quiet' },
    { type: 'session.busy' },
    { type: 'transport.opened', sessionPresent: false, reauthenticates },
    ...(reauthenticates ? [{ type: 'transport.reauthenticated' }] : []),
    ...failures.map((failure) => ({ type: 'transport.failed', failure })),
    { type: 'transport.closed' },
    { type: 'admission.granted' },
    { type: 'xstate.error.actor.admission', error: new Error('broken') },
    { type: 'subscriptions.progress', done: 1, total: 1 },
    { type: 'subscriptions.restored', restored: 1, refused: 0 },
    { type: 'subscriptions.unanswered' },
    { type: 'transport.proven' },
    { type: 'transport.blameless' },
    { type: 'xstate.error.actor.poll', error: new Error('broken') },
    { type: 'xstate.error.actor.transport', error: new Error('broken') },
    { type: 'xstate.error.actor.subscriptions', error: new Error('broken') },
    { type: 'xstate.error.actor.refresh', error: new Error('unreachable') },
    { type: 'xstate.error.actor.refresh', error: Object.assign(new Error(), { name: 'InvalidCredentialsError' }) },
    { type: 'xstate.done.actor.refresh', output: { expiresAt: null } },
    { type: 'xstate.done.actor.refresh', output: { expiresAt: START - 1 } },
    ...internalEvents(connectionMachine).filter(({ type }) => type.startsWith('xstate.after.')),
  ]
}

/** The events that XState itself sends, by the names in the machine's declarations. */
function internalEvents(machine: AnyStateMachine): (EventObject & Record<string, unknown>)[] {
  const types = new Set(declared(machine).map(({ eventType }) => eventType))
  return [...types]
    .filter((type) => type.startsWith('xstate.') && !type.endsWith('*'))
    .map((type) => ({ type, error: new Error('broken'), output: undefined }))
}

/** Coarse, because with counters and times every snapshot would be a new one. */
function coarse(snapshot: unknown): string {
  const { value, context } = snapshot as { value: unknown; context: ConnectionContext }
  const { attempt, cycle, woken, credentials, disposition, openedAt, server, admission, config } = context
  const { failingBack, unprovenSince } = context
  const failsBack = config.failover.selection !== 'rotate' && [failingBack, unprovenSince === null, server.current]
  return JSON.stringify([
    value,
    [attempt, cycle, woken, server.hops, openedAt === null, admission, failsBack],
    [credentials.status, credentials.expiresAt, disposition === 'fatal'],
  ])
}

type Graph = { [key: string]: { state: unknown; transitions: { [key: string]: { event: EventObject } } } }

function collect(machine: AnyStateMachine, graph: object, reached: Set<string>) {
  for (const { state, transitions } of Object.values(graph as Graph)) {
    for (const { event } of Object.values(transitions)) {
      for (const transition of machine.getTransitionData(state as never, event)) reached.add(name(transition))
    }
  }
}

/** Transitions without an event appear only in microsteps: these runs take them. */
function collectEventless(reached: Set<string>) {
  const s = machineScene({
    input: { canRefresh: true, timeouts: { subscribeTimeout: 10 } },
    actors: { transport: muteTransport },
    sync: (round) => {
      if (s.rounds.length === 3) round.settle()
    },
  })
  s.tell({ type: 'CONNECT' })
  s.tell({ type: 'DISCONNECT' })
  const opens = () => {
    s.tell({ type: 'CONNECT' })
    s.tell({ type: 'RETRY' })
    s.tell({ type: 'xstate.done.actor.refresh', output: { expiresAt: null } })
    s.tell({ type: 'transport.opened', sessionPresent: false })
  }
  opens()
  s.clock.tick(20)
  opens()
  s.actor.getSnapshot().children.subscriptions?.send({ type: 'wanted.changed' })
  s.clock.tick(20)
  for (const event of s.inspected) {
    if (event.type !== '@xstate.microstep') continue
    for (const transition of event._transitions) if (transition.eventType === '') reached.add(name(transition))
  }
}

function missing(machine: AnyStateMachine, reached: ReadonlySet<string>): string[] {
  return declared(machine)
    .map(name)
    .filter((transition) => !reached.has(transition))
}

function declared(machine: AnyStateMachine): AnyTransitionDefinition[] {
  return withDescendants(machine.root)
    .flatMap((node) => [...[...node.transitions.values()].flat(), ...(node.always ?? [])])
    .filter((transition) => transition.target || transition.actions.length > 0)
}

function withDescendants(node: AnyStateNode): AnyStateNode[] {
  return [node, ...Object.values(node.states).flatMap(withDescendants)]
}

function name({ source, eventType, guard, target, actions }: AnyTransitionDefinition): string {
  const targets = target?.map(({ id }) => id).join(' ') ?? 'stays'
  return `${source.id} on ${eventType || 'nothing'} if ${JSON.stringify(guard ?? true)} → ${targets} ${JSON.stringify(actions)}`
}
