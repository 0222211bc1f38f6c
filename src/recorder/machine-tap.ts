import type { AnyActorRef, AnyActorScope, AnyMachineSnapshot, EventObject } from 'xstate'

import type { ConnectionInput } from '../../machines/config.ts'
import { callGuarded } from '../shared/emitter.ts'
import { AnswerLog, type Functions } from './answers.ts'
import type { Answers } from './format.ts'

/** An action that XState executes. It has no public types for the parameters of its own actions. */
export interface ExecutedAction {
  readonly type: string
  readonly params?: unknown
}

/** A step of a machine. Nothing in it changes later, so that it can be written down at any time. */
export interface RawStep {
  readonly actor: AnyActorRef
  readonly event: EventObject
  readonly before: AnyMachineSnapshot
  readonly after: AnyMachineSnapshot
  readonly actions: readonly ExecutedAction[]
  readonly answers: Answers | undefined
  /** In milliseconds since 1970. */
  readonly now: number
  /** On the machine's clock, in milliseconds. */
  readonly time: number
}

export interface MachineTapParts extends Functions {
  /** The time on the machine's clock, in milliseconds. */
  readonly clockTime: () => number
  readonly onStep: (step: RawStep) => void
  readonly onError: (error: unknown) => void
}

/** Reports each step of a connection machine. It never throws. */
export class MachineTap {
  readonly #parts: MachineTapParts
  readonly #answers = new AnswerLog()

  constructor(parts: MachineTapParts) {
    this.#parts = parts
  }

  /** Returns the input of the machine, with functions whose answers are noted. */
  observed(input: ConnectionInput): ConnectionInput {
    return this.#answers.observed(input, this.#parts)
  }

  /** Runs a transition, and reports it. @param run - runs it with a scope */
  transition(
    before: AnyMachineSnapshot,
    event: EventObject,
    scope: AnyActorScope,
    run: (scope: AnyActorScope) => AnyMachineSnapshot,
  ): AnyMachineSnapshot {
    const actions: ExecutedAction[] = []
    const execute = scope.actionExecutor
    const collecting: AnyActorScope = {
      ...scope,
      actionExecutor: (action) => {
        actions.push(action)
        execute(action)
      },
    }
    const { now: wall, clockTime, onStep, onError } = this.#parts
    let moment: { readonly now: number; readonly time: number } | undefined
    callGuarded(() => {
      // A fraction of a millisecond would not survive the arithmetic of a replay.
      moment = { now: Math.round(wall()), time: clockTime() }
    }, onError)
    this.#answers.begin(moment?.now)
    try {
      const after = run(collecting)
      const answers = this.#answers.end()
      const step = moment && { actor: scope.self, event, before, after, actions, answers, ...moment }
      if (step) callGuarded(() => onStep(step), onError)
      return after
    } finally {
      this.#answers.end()
    }
  }
}
