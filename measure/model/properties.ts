import { mayRecover } from '../../machines/connection/guards.ts'
import type { Snapshot, State, Taken } from './runner.ts'

/** What holds in each state, or after each step. */
export interface Property {
  readonly name: string
  /**
   * Returns `true` if it holds, a text that says what is wrong, or `undefined` if it says nothing about this state.
   *
   * @param before - the state before the step; `undefined` at the start
   */
  readonly check: (after: Taken, before?: State) => true | string | undefined
}

export const NEVER_THROWS = 'no event makes the machine throw, and a persisted snapshot of any state can be restored'

/** The longest delay of a timer. */
const LONGEST = 2 ** 31 - 1

export const properties: readonly Property[] = [
  {
    name: 'there is at most one transport, one request for admission, one for credentials, and one timer of each kind',
    check: ({ orphans }) => orphans.length === 0 || `a second '${orphans.join()}' was started`,
  },
  {
    name: 'the context says whether there is a transport, and whether the gate was asked',
    check: ({ snapshot: { context }, world }) => {
      if (context.transport !== lives(world, 'transport')) return `transport is ${context.transport}`
      return (context.admission !== 'none') === lives(world, 'admission') || `admission is '${context.admission}'`
    },
  },
  {
    name: '`connecting` opens a connection, or waits for the gate',
    check: ({ snapshot, world }) => {
      if (!snapshot.matches('connecting')) return undefined
      return (
        world.transport === 'opening' ||
        world.transport === 'chosen' ||
        (snapshot.context.admission === 'awaited' && world.transport === 'none') ||
        `the transport is '${world.transport}', admission '${snapshot.context.admission}'`
      )
    },
  },
  {
    name: 'waiting and resting states have no transport, no place at the gate and ask for no credentials',
    check: ({ snapshot, world }) => {
      if (!snapshot.hasTag('waiting') && !snapshot.hasTag('resting')) return undefined
      return noneOf(world.actors.filter((id) => ['transport', 'admission', 'refresh'].includes(id)))
    },
  },
  {
    name: 'credentials are asked for in `refreshingToken`, and only there',
    check: ({ snapshot, world }) =>
      snapshot.matches('refreshingToken') === lives(world, 'refresh') || `the actors are ${world.actors.join()}`,
  },
  {
    name: '`online` states have an open connection',
    check: ({ snapshot, world }) => {
      if (!snapshot.hasTag('online')) return undefined
      return (world.transport === 'open' && snapshot.context.openedAt !== null) || `it is '${world.transport}'`
    },
  },
  {
    name: 'publishes flow in `ready` states, and only there',
    check: ({ snapshot, world }) =>
      snapshot.hasTag('ready') === world.flows || (world.flows ? 'they flow' : 'they do not flow'),
  },
  {
    name: 'each state that is neither resting nor ready ends by a timer; `connected.restoring` by that of the subscriptions',
    check: ({ snapshot, world }) => {
      if (snapshot.hasTag('resting') || snapshot.hasTag('ready')) return undefined
      if (snapshot.matches({ connected: 'restoring' })) return world.subscriptions === 'online' || 'nothing is restored'
      return world.timers.length > 0 || 'no timer is pending'
    },
  },
  {
    name: 'no timer is pending in resting states, but the one of 0 ms that begins a recovery',
    check: ({ snapshot, world }) => {
      if (!snapshot.hasTag('resting')) return undefined
      return noneOf(world.timers.filter((timer) => timer !== 'xstate.after.0.failed'))
    },
  },
  {
    name: 'attempts, cycles and hops stay within their limits, and a timer takes each delay',
    check: ({ snapshot: { context }, delays }) => {
      const { reconnect, recovery, redirect } = context.config
      if (context.attempt > (reconnect.enabled ? reconnect.maxAttempts : 0)) return `attempt ${context.attempt}`
      if (context.cycle > (recovery.enabled ? recovery.maxAttempts : 0)) return `cycle ${context.cycle}`
      if (context.server.hops > redirect.maxHops) return `hop ${context.server.hops}`
      const bad = delays.find((delay) => !(delay >= 0 && delay <= LONGEST))
      return bad === undefined || `a delay of ${bad} ms`
    },
  },
  {
    name: 'the time of the next attempt, and the failure before it, are known exactly while waiting',
    check: ({ snapshot }) => {
      const { retryAt, failure } = snapshot.context
      if ((retryAt !== null) !== snapshot.hasTag('waiting')) return `retryAt is ${retryAt}`
      return failure !== null || (!snapshot.hasTag('waiting') && !snapshot.matches('failed')) || 'there is no failure'
    },
  },
  {
    name: '`giveUp` is called on entering `failed` for good, and `tryAgain` on leaving it',
    check: ({ snapshot, world }) =>
      restsForGood(snapshot) === world.gaveUp || (world.gaveUp ? 'giveUp was called' : 'giveUp was not called'),
  },
  {
    name: 'a step announces each event at most once, and giving up once for each time in `failed`',
    check: ({ snapshot, emitted }, before) => {
      const types = emitted.map(({ type }) => type)
      const twice = types.find((type, n) => types.indexOf(type) < n)
      if (twice) return `${twice} was announced twice`
      const entered = restsForGood(snapshot) && !(before && restsForGood(before.snapshot))
      return types.includes('gaveUp') === entered || `it ${entered ? 'gave up' : 'did not give up'}: ${types.join()}`
    },
  },
  {
    name: 'each interruption is counted and announced, and only what was interrupted resumes',
    check: ({ snapshot, emitted }, before) => {
      if (!before) return undefined
      const types = new Set(emitted.map(({ type }) => type))
      const { interruptions } = snapshot.context.counters
      const told = Number(types.has('connectionInterrupted'))
      // The model sets the counters to 0 after each step.
      if (interruptions !== told) return `${interruptions} counted, ${told} announced`
      return !types.has('connectionResumed') || before.world.interrupted || 'nothing had been interrupted'
    },
  },
  {
    name: 'a waiting state says so: `reconnectScheduled` or `recoveryStarted`',
    check: ({ snapshot, emitted }, before) => {
      if (!snapshot.hasTag('waiting') || before?.snapshot.value === snapshot.value) return undefined
      const type = snapshot.matches('recovering') ? 'recoveryStarted' : 'reconnectScheduled'
      return emitted.some((event) => event.type === type) || `${type} was not announced`
    },
  },
]

/** Returns whether only a command leads out of the state. */
export function restsForGood(snapshot: Snapshot): boolean {
  return snapshot.matches('failed') && !recovers(snapshot)
}

function recovers({ context }: Snapshot): boolean {
  return mayRecover(context)
}

function lives({ actors }: Taken['world'], id: string): boolean {
  return actors.includes(id)
}

function noneOf(found: readonly string[]): true | string {
  return found.length === 0 || `there is ${found.join()}`
}
