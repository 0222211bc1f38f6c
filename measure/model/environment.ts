import type { AnyEventObject } from 'xstate'

import type { ConnectionContext, ConnectionEvent } from '../../machines/connection/types.ts'
import type { Disposition, Failure } from '../../machines/failure.ts'
import type { ServerHealth } from '../../machines/policy/servers.ts'
import { delayedEvents, type World } from './world.ts'

/** The time on the wall clock. It never changes: instead of that, times in the context move into the past. */
const NEAR = 'mqtt://near:1883'
/** It has a worse priority. */
const FAR = 'mqtt://far:1883'

export const NOW = Date.UTC(2024, 0, 1)
/** Credentials that expire then need not be renewed yet. */
const LATER = NOW + 2 * 3_600_000
/** Credentials that expire then are due for a renewal. */
const SOON = NOW + 60_000
const PAST = NOW - 1

/** The label of the step that ends the process, and restores the machine in a new one. */
export const RESTART = 'the process restarts'

/** The label of the steps with which a transport chooses one of two servers. */
export const CHOICES = ['the first server is chosen', 'the second server is chosen']

/** Something that happens to the machine. */
export interface Step {
  readonly label: string
  /**
   * - `command`: the application
   * - `actor`: an actor reports something
   * - `timer`: a delay ends
   * - `time`: credentials become due, or expire; the machine receives no event
   * - `restart`: the process ends, and a new one restores the machine from its persisted snapshot
   */
  readonly by: 'command' | 'actor' | 'timer' | 'time' | 'restart'
  /** The id of the timer. */
  readonly timer?: string
  /** What time changes. */
  readonly passes?: (context: ConnectionContext) => Partial<ConnectionContext>
  /** What the machine receives. */
  readonly event?: AnyEventObject
  /** What the actor that reports it is afterwards. */
  readonly world?: Partial<World>
  /** Set if it is the answer that is hoped for. */
  readonly behaves?: true
  /** Set if it shows that the connection works: attempts are counted from 0 again. */
  readonly proves?: true
}

type Type =
  | ConnectionEvent['type']
  | 'xstate.done.actor.refresh'
  | 'xstate.error.actor.refresh'
  | 'xstate.error.actor.*'

interface Kind {
  /** Whether this can happen in a world. */
  readonly when: (world: World) => boolean
  readonly steps: readonly Step[]
}

const always = () => true
const opening = ({ transport }: World) => transport === 'opening' || transport === 'chosen'
const open = ({ transport }: World) => transport === 'open'
const online = ({ subscriptions, transport }: World) => subscriptions === 'online' && transport === 'open'
const asked = (world: World) => world.asked && open(world)
const lives = (id: string) => (world: World) => world.actors.includes(id)

/** One failure of each disposition, before the CONNACK and after it. The compiler asks for a new one. */
const refusals: Record<Disposition, Failure> = {
  retry: { kind: 'closed', beforeConnack: true, webSocket: true },
  'retry-later': { kind: 'refused', protocolVersion: 5, reasonCode: 0x89 },
  refresh: { kind: 'refused', protocolVersion: 5, reasonCode: 0x87 },
  redirect: { kind: 'refused', protocolVersion: 5, reasonCode: 0x9d, serverReference: 'other:1883' },
  fatal: { kind: 'refused', protocolVersion: 5, reasonCode: 0x8a },
}
const losses: Record<Disposition, Failure> = {
  retry: { kind: 'keepalive' },
  'retry-later': { kind: 'disconnected', reasonCode: 0x89 },
  refresh: { kind: 'disconnected', reasonCode: 0x98 },
  redirect: { kind: 'disconnected', reasonCode: 0x9c, serverReference: 'other:1883' },
  fatal: { kind: 'disconnected', reasonCode: 0x8e },
}

/**
 * Every event that the machine may receive, and when. The compiler asks for a new one; `unknownEvents` finds those that
 * only the statechart names.
 */
const events: Record<Type, readonly Kind[]> = {
  CONNECT: [command({ type: 'CONNECT' })],
  DISCONNECT: [command({ type: 'DISCONNECT' })],
  RETRY: [command({ type: 'RETRY' })],
  WAKE: [command({ type: 'WAKE' })],
  RECOVER: [command({ type: 'RECOVER' })],
  DROP: [command({ type: 'DROP' })],
  'PERIODIC.START': [
    command({ type: 'PERIODIC.START', schedule: { id: 'poll', interval: 1_000, jitter: 0, responseTimeout: null } }),
  ],
  'PERIODIC.STOP': [command({ type: 'PERIODIC.STOP', id: 'poll' })],
  'transport.opened': [
    {
      when: opening,
      steps: [
        {
          ...report({ type: 'transport.opened', sessionPresent: false }),
          world: { transport: 'open' },
          behaves: true,
        },
      ],
    },
  ],
  // The transport of the model takes no REAUTHENTICATE. That of test/model/machine.test.ts does.
  'transport.reauthenticated': [],
  'transport.failed': [
    { when: opening, steps: failures(refusals, 'refused') },
    { when: open, steps: failures(losses, 'lost') },
    { when: ({ transport }) => transport === 'closing', steps: failures({ retry: losses.retry }, 'lost') },
  ],
  'transport.closed': [
    {
      when: ({ transport }) => transport === 'closing',
      steps: [{ ...report({ type: 'transport.closed' }), world: { transport: 'ended' }, behaves: true }],
    },
  ],
  'transport.proven': [{ when: open, steps: [{ ...report({ type: 'transport.proven' }), proves: true }] }],
  'transport.blameless': [{ when: open, steps: [{ ...report({ type: 'transport.blameless' }), proves: true }] }],
  'admission.granted': [
    { when: lives('admission'), steps: [{ ...report({ type: 'admission.granted' }), behaves: true }] },
  ],
  'server.chosen': [
    { when: ({ transport }) => transport === 'opening', steps: [choose('first', NEAR), choose('second', FAR)] },
  ],
  // A delayed event with an id of its own.
  'failBack.due': [],
  'session.quiet': [{ when: asked, steps: [answer('session.quiet')] }],
  'session.busy': [{ when: asked, steps: [answer('session.busy')] }],
  'subscriptions.progress': [{ when: online, steps: [report({ type: 'subscriptions.progress', done: 1, total: 2 })] }],
  'subscriptions.restored': [
    {
      when: online,
      steps: [{ ...report({ type: 'subscriptions.restored', restored: 1, refused: 0 }), behaves: true }],
    },
  ],
  'subscriptions.unanswered': [
    {
      when: online,
      steps: [{ ...report({ type: 'subscriptions.unanswered' }), world: { subscriptions: 'offline' } }],
    },
  ],
  'xstate.error.actor.transport': [
    {
      when: ({ transport }) => transport !== 'none' && transport !== 'ended',
      steps: [{ ...thrown('transport'), world: { transport: 'ended' } }],
    },
  ],
  'xstate.error.actor.admission': [{ when: lives('admission'), steps: [thrown('admission')] }],
  'xstate.error.actor.subscriptions': [
    { when: online, steps: [{ ...thrown('subscriptions'), world: { subscriptions: 'broken' } }] },
  ],
  'xstate.error.actor.*': [{ when: lives('poll'), steps: [thrown('poll')] }],
  'xstate.done.actor.refresh': [
    {
      when: lives('refresh'),
      steps: [
        { ...granted(LATER, 'for two hours'), behaves: true },
        granted(null, 'without an end'),
        // A wrong clock is enough.
        granted(PAST, 'but have expired'),
      ],
    },
  ],
  'xstate.error.actor.refresh': [
    {
      when: lives('refresh'),
      steps: [
        thrown('refresh'),
        thrown('refresh', Object.assign(new Error('wrong'), { name: 'InvalidCredentialsError' })),
      ],
    },
  ],
  // Sent by `restart`, which makes it from a persisted snapshot.
  'actor.restored': [],
}

const kinds: readonly Kind[] = Object.values(events).flat()
const timers = new Map<string, Step>()
const restart: Step = { label: RESTART, by: 'restart' }

/** Returns everything that can happen next. */
export function stepsFrom(world: World, { credentials, servers }: ConnectionContext): Step[] {
  const { expiresAt } = credentials
  return [
    ...kinds.flatMap(({ when, steps }) => (when(world) ? steps : [])),
    ...world.timers.map(timer),
    ...(expiresAt === null || expiresAt <= PAST ? [] : [expiresAt === LATER ? becomeDue : expire]),
    ...(servers.some(({ coolingUntil }) => coolingUntil !== null) ? [coolDown] : []),
    restart,
  ]
}

const becomeDue = expiring('the credentials become due', SOON)
const expire = expiring('the credentials expire', PAST)
const coolDown: Step = {
  label: 'all servers have cooled down',
  by: 'time',
  passes: ({ servers }) => ({ servers: servers.map((each) => ({ ...each, coolingUntil: null })) }),
}

/** Returns the events of a statechart that are missing in the model. */
export function unknownEvents(accepted: readonly string[]): string[] {
  const known: ReadonlySet<string> = new Set(Object.keys(events))
  // These events happen whenever their timers are pending.
  return accepted.filter((type) => !known.has(type) && !type.startsWith('xstate.after.'))
}

function command(event: AnyEventObject): Kind {
  return { when: always, steps: [{ label: event.type, by: 'command', event }] }
}

function report(event: AnyEventObject): Step {
  return { label: event.type, by: 'actor', event }
}

function thrown(id: string, error = new Error('broken')): Step {
  const named = error.name === 'Error' ? '' : `: ${error.name}`
  return { label: `${id} throws${named}`, by: 'actor', event: { type: `xstate.error.actor.${id}`, error } }
}

function granted(expiresAt: number | null, until: string): Step {
  return {
    label: `credentials come, ${until}`,
    by: 'actor',
    event: { type: 'xstate.done.actor.refresh', output: { expiresAt } },
  }
}

function failures(table: Partial<Record<Disposition, Failure>>, name: string): Step[] {
  return Object.entries(table).map(([disposition, failure]) => ({
    label: `${name}: ${disposition}`,
    by: 'actor',
    event: { type: 'transport.failed', failure },
    world: { transport: 'ended' },
  }))
}

function timer(id: string): Step {
  let step = timers.get(id)
  if (!step) {
    step = { label: id.replace('xstate.', ''), by: 'timer', timer: id, event: delayedEvents.get(id) ?? { type: id } }
    timers.set(id, step)
  }
  return step
}

function choose(name: string, current: string): Step {
  const known = {
    weight: 1,
    attempts: 1,
    connects: 0,
    failures: 0,
    lastFailure: null,
    coolingUntil: null,
    connectTime: null,
    movedTo: null,
  }
  const servers: ServerHealth[] = [NEAR, FAR].map((server, priority) => ({
    ...known,
    server,
    priority,
    tried: server === current,
  }))
  return {
    ...report({ type: 'server.chosen', current, address: current, moved: false, servers }),
    label: `the ${name} server is chosen`,
    world: { transport: 'chosen' },
  }
}

function answer(type: 'session.quiet' | 'session.busy'): Step {
  return { ...report({ type }), world: { asked: false } }
}

function expiring(label: string, expiresAt: number): Step {
  return { label, by: 'time', passes: ({ credentials }) => ({ credentials: { ...credentials, expiresAt } }) }
}
