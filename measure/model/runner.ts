import {
  createActor,
  type AnyActorRef,
  type AnyActorScope,
  type ExecutableActionObject,
  type SnapshotFrom,
} from 'xstate'

import type { ConnectionInput } from '../../machines/config.ts'
import type { ConnectionContext } from '../../machines/connection/types.ts'
import { withConfig, type connectionMachine } from '../../machines/index.ts'
import { NOW, type Step } from './environment.ts'
import { affected, emptyWorld, type Effects, type World } from './world.ts'

export type Machine = typeof connectionMachine
export type Snapshot = SnapshotFrom<Machine>

/** A state of the machine, and of the world around it. */
export interface State {
  readonly snapshot: Snapshot
  readonly world: World
}

/** A state, and what the step into it did. */
export interface Taken extends Effects {
  readonly snapshot: Snapshot
}

export interface Runner {
  readonly start: Taken
  /** @throws whatever the machine throws */
  take(before: State, step: Step): Taken
}

/**
 * Runs the pure transition function of a machine, as XState's `transition` does, but with a single actor for all steps.
 * `transition` makes an actor for each call, which takes twenty times as long as the step. It also hides the children,
 * of which the machine asks one for its status.
 */
export function runner(machine: Machine, input: ConnectionInput): Runner {
  const configured = withConfig(
    // The session answers at any time, or never.
    machine.provide({ actions: { prove: () => {}, askQuiet: () => {} } }),
    { random: () => 0.5, ...input, now: () => NOW },
  )
  const actor = createActor(configured)
  let current: Snapshot = actor.getSnapshot()
  let actions: ExecutableActionObject[] = []
  const scope: AnyActorScope = {
    self: Object.create(actor, { getSnapshot: { value: () => current } }) as AnyActorRef,
    system: actor.system,
    id: 'model',
    sessionId: 'model',
    logger: () => {},
    defer: () => {},
    emit: () => {},
    stopChild: () => {},
    actionExecutor: (action) => void actions.push(action as ExecutableActionObject),
  }

  /** Collects the actions of a transition, which are not executed. */
  function taken(before: World, snapshot: Snapshot, next: () => unknown): Taken {
    current = snapshot
    actions = []
    const after = next() as Snapshot
    return { snapshot: after, ...affected(before, actions) }
  }

  return {
    start: taken(emptyWorld, current, () => configured.getInitialSnapshot(scope, {})),
    take({ snapshot, world }, step) {
      const before = step.world ? { ...world, ...step.world } : world
      switch (step.by) {
        case 'time': {
          const aged = withContext(snapshot, step.passes?.(snapshot.context) ?? {})
          return { snapshot: aged, world, emitted: [], started: [], orphans: [], delays: [] }
        }
        case 'restart': {
          const persisted: unknown = JSON.parse(JSON.stringify(configured.getPersistedSnapshot(snapshot)))
          const { interrupted } = world
          return taken({ ...emptyWorld, interrupted }, snapshot, () =>
            configured.restoreSnapshot(persisted as never, scope),
          )
        }
        default: {
          const pending =
            step.by === 'timer' ? { ...before, timers: before.timers.filter((timer) => timer !== step.timer) } : before
          const broken = before.subscriptions === 'broken' ? withBrokenSubscriptions(snapshot) : snapshot
          return taken(pending, broken, () => configured.transition(broken, step.event as never, scope as never))
        }
      }
    },
  }
}

export function withContext(snapshot: Snapshot, changed: Partial<ConnectionContext>): Snapshot {
  return { ...snapshot, context: { ...snapshot.context, ...changed } }
}

/** An actor that threw has the status `error` until it is replaced. */
function withBrokenSubscriptions(snapshot: Snapshot): Snapshot {
  const { subscriptions } = snapshot.children
  const broken = Object.create(subscriptions ?? null, {
    getSnapshot: { value: () => ({ status: 'error' }) },
  }) as AnyActorRef
  return { ...snapshot, children: { ...snapshot.children, subscriptions: broken } } as Snapshot
}

/** Returns the name of a state, such as `connected.ready`. */
export function nameOf({ value }: Snapshot): string {
  return typeof value === 'string' ? value : Object.entries(value).flat().join('.')
}
