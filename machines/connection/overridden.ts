import type { AnyStateMachine } from 'xstate'

/** The methods that XState calls on a machine to create and start an actor and to send it events. */
type Overridable = 'getInitialSnapshot' | 'getTransitionData' | 'restoreSnapshot' | 'start' | 'transition'

/**
 * Replaces methods of a machine, and of every machine that its `provide` returns.
 *
 * @param overrides - receives the original methods, bound to the machine, and the machine
 */
export function overridden<Machine extends AnyStateMachine>(
  machine: Machine,
  overrides: (original: Pick<Machine, Overridable>, machine: Machine) => Partial<Pick<Machine, Overridable>>,
): Machine {
  const provide = machine.provide.bind(machine)
  const original = {
    getInitialSnapshot: machine.getInitialSnapshot.bind(machine),
    getTransitionData: machine.getTransitionData.bind(machine),
    restoreSnapshot: machine.restoreSnapshot.bind(machine),
    start: machine.start.bind(machine),
    transition: machine.transition.bind(machine),
  }
  return Object.assign(machine, overrides(original, machine), {
    provide: (implementations: Parameters<Machine['provide']>[0]) =>
      overridden(provide(implementations) as Machine, overrides),
  })
}
