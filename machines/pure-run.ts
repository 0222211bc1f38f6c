import {
  createActor,
  type AnyActorRef,
  type AnyActorScope,
  type AnyTransitionDefinition,
  type ExecutableActionObject,
  type SnapshotFrom,
} from 'xstate'

import type { ConnectionInput } from './config.ts'
import type { connectionMachine } from './connection/machine.ts'
import { withConfig } from './connection/persistable.ts'

type Machine = typeof connectionMachine
type Snapshot = SnapshotFrom<Machine>

/** Runs a connection machine without executing anything. */
export interface PureRun {
  /** The machine that runs, with its input. */
  readonly machine: Machine
  readonly initial: Snapshot
  /**
   * Calls a method of the machine with a scope that collects its actions.
   *
   * @param before - the snapshot that the machine sees as its own meanwhile
   * @throws whatever the machine throws
   */
  run(before: Snapshot, call: (scope: AnyActorScope) => unknown): PureResult
}

export interface PureResult {
  readonly snapshot: Snapshot
  /** What the machine would have executed, in order. XState's own actions are those with the prefix `xstate.`. */
  readonly actions: readonly ExecutableActionObject[]
  /** The transitions of all microsteps, in order. Empty unless they were asked for. */
  readonly taken: readonly AnyTransitionDefinition[]
}

/**
 * Runs the pure transition function of a machine, as XState's `transition` does, but with a single actor for all steps.
 * `transition` makes an actor for each call, which takes twenty times as long as the step. It also hides the children,
 * of which the machine asks one for its status.
 *
 * @param withTaken - whether results name the transitions, which costs a little
 */
export function pureRun(machine: Machine, input: ConnectionInput, withTaken = false): PureRun {
  let taken: AnyTransitionDefinition[] = []
  const configured = withConfig(
    // The session answers at any time, or never.
    machine.provide({ actions: { prove: () => {}, askQuiet: () => {} } }),
    input,
  )
  const actor = createActor(
    configured,
    withTaken
      ? {
          inspect: (event) => {
            if (event.type === '@xstate.microstep') taken.push(...event._transitions)
          },
        }
      : undefined,
  )
  let current: Snapshot = actor.getSnapshot()
  let actions: ExecutableActionObject[] = []
  const scope: AnyActorScope = {
    self: Object.create(actor, { getSnapshot: { value: () => current } }) as AnyActorRef,
    system: actor.system,
    id: 'pure',
    sessionId: 'pure',
    logger: () => {},
    defer: () => {},
    emit: () => {},
    stopChild: () => {},
    actionExecutor: (action) => void actions.push(action as ExecutableActionObject),
  }
  return {
    machine: configured,
    initial: current,
    run(before, call) {
      current = before
      actions = []
      taken = []
      const snapshot = call(scope) as Snapshot
      return { snapshot, actions, taken }
    },
  }
}
