import type { AnyActorRef, AnyActorScope, AnyMachineSnapshot, AnyStateMachine, EventObject } from 'xstate'

import type { connectionMachine } from '../../machines/connection/machine.ts'
import { overridden } from '../../machines/connection/overridden.ts'
import type { MachineTap } from '../recorder/machine-tap.ts'

/** Makes a connection machine whose transitions are recorded, in actor systems that have a recorder. */
export function withRecording(
  machine: typeof connectionMachine,
  recorderOf: (system: AnyActorRef['system']) => MachineTap | undefined,
): typeof connectionMachine {
  return overridden(machine as AnyStateMachine, (original) => ({
    transition: (snapshot: AnyMachineSnapshot, event: EventObject, scope: AnyActorScope) => {
      const recorder = recorderOf(scope.system)
      if (!recorder) return original.transition(snapshot, event, scope as never)
      return recorder.transition(snapshot, event, scope, (observed) =>
        original.transition(snapshot, event, observed as never),
      )
    },
  })) as typeof connectionMachine
}
