import type { AnyActorRef, AnyActorScope, AnyMachineSnapshot, AnyStateMachine, EventObject, Snapshot } from 'xstate'

import { broken } from '../../machines/connection/context.ts'
import * as announce from '../../machines/connection/emitted.ts'
import type { connectionMachine } from '../../machines/connection/machine.ts'
import { overridden } from '../../machines/connection/overridden.ts'
import type { ConnectionContext } from '../../machines/connection/types.ts'
import { errorName, type Failure } from '../../machines/failure.ts'
import { callGuarded } from '../shared/emitter.ts'

/** Called when an error ends the actor of a connection machine. */
export interface FailureHandler {
  /** Closes what the machine's actors have opened. XState leaves them running. */
  readonly release: () => void
  /**
   * Called when the actor has ended. Without this handler XState's own rule holds: the actor has the status `error`,
   * and an error without an observer is thrown.
   *
   * @param snapshot - a snapshot in the state `failed`, from which a new actor can start
   */
  readonly ended?: ((error: unknown, snapshot: Snapshot<unknown>) => void) | undefined
}

/** The event by which XState stops an actor. */
const STOP = 'xstate.stop'

/**
 * Makes a connection machine whose errors leave nothing open. With an `ended` handler its actor ends in the state
 * `failed` instead of with the status `error`, so that its observers need not handle errors.
 */
export function withFailureHandling(
  machine: typeof connectionMachine,
  handlerOf: (system: AnyActorRef['system']) => FailureHandler | undefined,
): typeof connectionMachine {
  /** Errors of deferred effects: XState starts timers and actors only when the transition is done. */
  const late = new WeakMap<object, { readonly error: unknown }>()
  return overridden(machine as AnyStateMachine, (original, self) => ({
    transition: (snapshot: AnyMachineSnapshot, event: EventObject, scope: AnyActorScope) => {
      const handler = handlerOf(scope.system)
      const effect = late.get(scope.self)
      if (effect) return ended(effect.error, snapshot)
      // A transition that fails drops its deferred effects, such as starting the actors that it spawned.
      const deferred: (() => void)[] = []
      try {
        // Inside of `try`, because an application may send something that is not an event.
        if (event.type === STOP && handler?.ended) throw new StoppedError()
        const collecting = { ...scope, defer: (run: () => void) => void deferred.push(run) }
        const next = original.transition(snapshot, event, collecting as never)
        if (next.status === 'error') throw next.error
        for (const run of deferred) {
          scope.defer(() => {
            callGuarded(run, (error) => {
              if (!late.has(scope.self)) late.set(scope.self, { error })
              // Handled as soon as this event is done. Inspectors see the event, so it does not hold the error.
              scope.self.send({ type: 'actor.failed' })
            })
          })
        }
        return next
      } catch (error) {
        return ended(error, snapshot)
      }

      function ended(error: unknown, last: AnyMachineSnapshot) {
        late.delete(scope.self)
        const persisted = self.getPersistedSnapshot(last as never) as object
        for (const child of Object.values(last.children as Record<string, AnyActorRef>)) {
          callGuarded(
            () => scope.stopChild(child),
            () => {},
          )
        }
        handler?.release()
        if (!handler?.ended) throw error
        const failure: Failure = { kind: 'internal', actor: 'machine', message: errorName(error) }
        const before = last.context as ConnectionContext
        const context = broken(before, failure)
        for (const emitted of [...announce.failure(before, failure), ...announce.failed(context)]) scope.emit(emitted)
        handler.ended(error, { ...persisted, status: 'active', value: 'failed', context } as never)
        return self.resolveState({ value: 'failed', context, status: 'done' } as never)
      }
    },
  })) as typeof connectionMachine
}

/** The application called `client.actor.stop()`, which only the client itself may do. */
class StoppedError extends Error {
  override readonly name = 'StoppedError'

  constructor() {
    super('the actor of the connection machine was stopped')
  }
}
