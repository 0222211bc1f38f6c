import type { ExecutableActionObject } from 'xstate'

import type { ConnectionEmitted } from '../../machines/connection/types.ts'

/**
 * What exists outside the machine, as far as the machine's own actions tell. Nothing here is read from its context, so
 * that the two can be compared.
 */
export interface World {
  /** The ids of the actors that live. */
  readonly actors: readonly string[]
  /**
   * What the transport has reported, or was told. `chosen`: it opens a connection to the server that it has chosen. `ended`: it
   * has failed, and reports nothing more.
   */
  readonly transport: 'none' | 'opening' | 'chosen' | 'open' | 'closing' | 'ended'
  /** Whether the subscriptions actor was told that a connection is open. `broken`: it threw. */
  readonly subscriptions: 'offline' | 'online' | 'broken'
  /** The ids of the delayed events that are pending. */
  readonly timers: readonly string[]
  /** Whether the session was asked whether it is quiet, and has not answered. */
  readonly asked: boolean
  /** Whether the session may publish: `resumePublishing` was called later than `pausePublishing`. */
  readonly flows: boolean
  /** Whether `giveUp` was called later than `tryAgain`. */
  readonly gaveUp: boolean
  /** Whether an interruption was announced after which nothing has resumed. */
  readonly interrupted: boolean
}

/** What a step did, in the order of its actions. */
export interface Effects {
  readonly world: World
  readonly emitted: readonly ConnectionEmitted[]
  /** The ids of the actors that were started. */
  readonly started: readonly string[]
  /** Actors and timers that were started while one with the same id was alive, which can then no longer be stopped. */
  readonly orphans: readonly string[]
  /** The delays of the timers that were started, in milliseconds. */
  readonly delays: readonly number[]
}

export const emptyWorld: World = {
  actors: [],
  transport: 'none',
  subscriptions: 'offline',
  timers: [],
  asked: false,
  flows: false,
  gaveUp: false,
  interrupted: false,
}

/** The actors that the model knows. Any number of periodic requests is like one. */
const ACTORS = new Set(['transport', 'admission', 'refresh', 'subscriptions', 'poll'])

/** The event of each timer, by its id. It is the same each time. */
export const delayedEvents = new Map<string, { readonly type: string }>()

/** Returns the world after the actions of a step. */
export function affected(before: World, actions: readonly ExecutableActionObject[]): Effects {
  if (actions.length === 0) return { world: before, emitted: [], started: [], orphans: [], delays: [] }
  const world = { ...before }
  const emitted: ConnectionEmitted[] = []
  const started: string[] = []
  const orphans: string[] = []
  const delays: number[] = []
  for (const { type, params = {} } of actions as readonly Executed[]) {
    const { id = '', delay } = params
    switch (type) {
      case 'xstate.spawnChild':
        if (!ACTORS.has(id)) throw new Error(unknownActor(id))
        if (world.actors.includes(id)) orphans.push(id)
        started.push(id)
        world.actors = sorted([...world.actors, id])
        if (id === 'transport') world.transport = 'opening'
        if (id === 'subscriptions') world.subscriptions = 'offline'
        break
      case 'xstate.stopChild':
        world.actors = world.actors.filter((actor) => actor !== id)
        if (id === 'transport') world.transport = 'none'
        break
      case 'xstate.sendTo':
        Object.assign(world, commanded(world, params))
        break
      case 'xstate.raise':
        if (delay === undefined) break
        if (world.timers.includes(id)) orphans.push(id)
        else world.timers = sorted([...world.timers, id])
        delayedEvents.set(id, params.event ?? { type: id })
        delays.push(delay)
        break
      case 'xstate.cancel':
        world.timers = world.timers.filter((timer) => timer !== params.sendId)
        break
      case 'xstate.emit':
        emitted.push(params.event as ConnectionEmitted)
        break
      case 'askQuiet':
        world.asked = true
        break
      case 'resumePublishing':
      case 'pausePublishing':
        world.flows = type === 'resumePublishing'
        break
      case 'giveUp':
      case 'tryAgain':
        world.gaveUp = type === 'giveUp'
        break
    }
  }
  for (const { type } of emitted) {
    if (type === 'connectionInterrupted') world.interrupted = true
    else if (type === 'connectionResumed') world.interrupted = false
  }
  return { world, emitted, started, orphans, delays }
}

/** An action that XState executes. It has no public types for the parameters of its own actions. */
interface Executed {
  readonly type: string
  readonly params?: {
    readonly id?: string
    readonly sendId?: string
    readonly targetId?: string
    readonly delay?: number
    readonly event?: { readonly type: string }
  }
}

function commanded(
  { transport, subscriptions }: World,
  { targetId, event }: NonNullable<Executed['params']>,
): Partial<World> {
  if (targetId === 'transport' && event?.type === 'CLOSE') {
    return { transport: transport === 'ended' ? 'ended' : 'closing' }
  }
  if (targetId !== 'subscriptions' || subscriptions === 'broken') return {}
  if (event?.type === 'connection.opened') return { subscriptions: 'online' }
  return event?.type === 'connection.lost' ? { subscriptions: 'offline' } : {}
}

function sorted(names: readonly string[]): readonly string[] {
  return names.toSorted()
}

function unknownActor(id: string): string {
  return `The model does not know the actor '${id}': add it to measure/model/world.ts`
}
