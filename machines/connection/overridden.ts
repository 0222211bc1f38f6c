import type { AnyStateMachine } from 'xstate'

/** What XState calls on a machine while an actor of it is created, started and sent events. */
type Overridable = 'getInitialSnapshot' | 'getTransitionData' | 'restoreSnapshot' | 'start' | 'transition'

/**
 * Replaces methods of a machine, and of those that its `provide` makes.
 *
 * @param overrides - gets the machine's methods as they were, bound, and the machine
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
