import type { AnyActorRef, AnyActorScope, SnapshotFrom } from 'xstate'

import type { ConnectionInput } from '../../machines/config.ts'
import { nameOfState } from '../../machines/connection/state-name.ts'
import type { ConnectionContext } from '../../machines/connection/types.ts'
import type { connectionMachine } from '../../machines/index.ts'
import { pureRun } from '../../machines/pure-run.ts'
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

export function runner(machine: Machine, input: ConnectionInput): Runner {
  const pure = pureRun(machine, { random: () => 0.5, ...input, now: () => NOW })

  /** Collects the actions of a transition, which are not executed. */
  function taken(before: World, snapshot: Snapshot, next: (scope: AnyActorScope) => unknown): Taken {
    const { snapshot: after, actions } = pure.run(snapshot, next)
    return { snapshot: after, ...affected(before, actions) }
  }

  return {
    start: taken(emptyWorld, pure.initial, (scope) => pure.machine.getInitialSnapshot(scope, {})),
    take({ snapshot, world }, step) {
      const before = step.world ? { ...world, ...step.world } : world
      switch (step.by) {
        case 'time': {
          const aged = withContext(snapshot, step.passes?.(snapshot.context) ?? {})
          return { snapshot: aged, world, emitted: [], started: [], orphans: [], delays: [] }
        }
        case 'restart': {
          const persisted: unknown = JSON.parse(JSON.stringify(pure.machine.getPersistedSnapshot(snapshot)))
          const { interrupted } = world
          return taken({ ...emptyWorld, interrupted }, snapshot, (scope) =>
            pure.machine.restoreSnapshot(persisted as never, scope),
          )
        }
        default: {
          const pending =
            step.by === 'timer' ? { ...before, timers: before.timers.filter((timer) => timer !== step.timer) } : before
          const broken = before.subscriptions === 'broken' ? withBrokenSubscriptions(snapshot) : snapshot
          return taken(pending, broken, (scope) => pure.machine.transition(broken, step.event as never, scope as never))
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
  return nameOfState(value)
}
