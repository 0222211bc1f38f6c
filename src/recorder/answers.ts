import type { ConnectionInput } from '../../machines/config.ts'
import type { BackoffPolicy } from '../../machines/policy/backoff.ts'
import type { AnswerKind, Answers } from './format.ts'

/** Stands in a recording for an error that a function of the application threw. */
export const THREW = Object.freeze({ threw: true })

/** Chance, time, and the functions of the application, which only they can repeat. */
export type Functions = Required<Pick<ConnectionInput, 'random' | 'now'>>

/** Notes what the functions of a machine answer during one of its steps. */
export class AnswerLog {
  /** The wall clock's time in the step that is under way: all of it happens at one moment. */
  #now: number | undefined
  #answers: { [Kind in AnswerKind]?: unknown[] } | undefined

  /** @param now - in milliseconds since 1970; `undefined` if it is not known */
  begin(now: number | undefined): void {
    this.#now = now
    this.#answers = {}
  }

  /** @returns `undefined` if nothing was asked */
  end(): Answers | undefined {
    const answers = this.#answers
    this.#answers = undefined
    this.#now = undefined
    return answers && Object.keys(answers).length > 0 ? answers : undefined
  }

  /** Returns the input of a machine with functions that note their answers. */
  observed(input: ConnectionInput, { random, now }: Functions): ConnectionInput {
    const { classify, redirect, reconnect, recovery } = input
    const { allow } = redirect ?? {}
    return Object.freeze<ConnectionInput>({
      ...input,
      now: () => this.#now ?? now(),
      random: () => this.#noted('random', random),
      ...(classify && {
        classify: (failure, disposition) => this.#noted('classify', () => classify(failure, disposition)),
      }),
      ...(redirect && {
        redirect: Object.freeze({
          ...redirect,
          ...(allow && { allow: (reference: string) => this.#noted('allow', () => allow(reference)) }),
        }),
      }),
      ...(reconnect && { reconnect: this.#withJitter(reconnect, random) }),
      ...(recovery && { recovery: this.#withJitter(recovery, random) }),
    })
  }

  /** A function is called with the random source itself: only its answer counts. */
  #withJitter<Policy extends Partial<BackoffPolicy>>(policy: Policy, random: () => number): Policy {
    const { jitter } = policy
    if (typeof jitter !== 'function') return policy
    return Object.freeze({
      ...policy,
      jitter: (ceiling: number) => this.#noted('jitter', () => jitter(ceiling, random)),
    })
  }

  #noted<Answer>(kind: AnswerKind, call: () => Answer): Answer {
    if (!this.#answers) return call()
    const noted = (this.#answers[kind] ??= [])
    try {
      const answer = call()
      noted.push(answer ?? null)
      return answer
    } catch (error) {
      noted.push(THREW)
      throw error
    }
  }
}
