import type { AnyActorRef, AnyActorScope, AnyMachineSnapshot, AnyStateMachine, EventObject, Snapshot } from 'xstate'

import { broken } from '../../machines/connection/context.ts'
import * as announce from '../../machines/connection/emitted.ts'
import type { ConnectionContext } from '../../machines/connection/types.ts'
import type { connectionMachine } from '../../machines/connection/machine.ts'
import type { Failure } from '../../machines/failure.ts'
import { overridden } from '../../machines/connection/overridden.ts'
import { callGuarded } from '../shared/emitter.ts'

/** What is done when an error ends the actor of a connection machine. */
export interface FailureHandler {
  /** Closes whatever the actors of the machine have opened: XState leaves them running. */
  readonly release: () => void
  /**
   * The actor is at its end. Without this XState's own rule holds: the actor has the status `error`, and an error that
   * nobody observes is thrown.
   *
   * @param snapshot - in `failed`, to be restored
   */
  readonly ended?: ((error: unknown, snapshot: Snapshot<unknown>) => void) | undefined
}

/** The event by which XState stops an actor. */
const STOP = 'xstate.stop'

/**
 * A connection machine whose errors leave nothing open. With a handler for its end, the actor ends in the state `failed`
 * instead of in an error, so that whoever observes it needs no rule for errors.
 */
export function failing(
  machine: typeof connectionMachine,
  handlerOf: (system: AnyActorRef['system']) => FailureHandler | undefined,
): typeof connectionMachine {
  /** Errors of effects that XState puts off until the transition is done, such as starting a timer. */
  const late = new WeakMap<object, { readonly error: unknown }>()
  return overridden(machine as AnyStateMachine, (original, self) => ({
    transition: (snapshot: AnyMachineSnapshot, event: EventObject, scope: AnyActorScope) => {
      const handler = handlerOf(scope.system)
      const effect = late.get(scope.self)
      if (effect) return ended(effect.error, snapshot)
      // What a transition that fails has put off is dropped, such as starting the actors it spawned.
      const deferred: (() => void)[] = []
      try {
        // In here, because what was sent may be no event at all.
        if (event.type === STOP && handler?.ended) throw new StoppedError()
        const collecting = { ...scope, defer: (run: () => void) => void deferred.push(run) }
        const next = original.transition(snapshot, event, collecting as never)
        if (next.status === 'error') throw next.error
        for (const run of deferred) {
          scope.defer(() => {
            callGuarded(run, (error) => {
              if (!late.has(scope.self)) late.set(scope.self, { error })
              // Handled as soon as this event is done. An inspector sees the event, so it does not hold the error.
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
        const failure: Failure = { kind: 'internal', actor: 'machine', message: nameOf(error) }
        const before = last.context as ConnectionContext
        const context = broken(before, failure)
        for (const emitted of [...announce.failure(before, failure), ...announce.failed(context)]) scope.emit(emitted)
        handler.ended(error, { ...persisted, status: 'active', value: 'failed', context } as never)
        return self.resolveState({ value: 'failed', context, status: 'done' } as never)
      }
    },
  })) as typeof connectionMachine
}

/** `client.actor.stop()` was called, which nothing but the client's own end may do. */
class StoppedError extends Error {
  override readonly name = 'StoppedError'

  constructor() {
    super('the actor of the connection machine was stopped')
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error
}
