import { inNextTurn } from '../shared/next-turn.ts'

/** How long the event loop may be busy with a task at a time, in milliseconds. */
const SLICE = 10

/** The event loop, as far as a long task needs it. */
export interface Turns {
  /** The time in milliseconds. */
  now(): number
  /** Resolves in the next turn. */
  next(): Promise<void>
}

/** Those of the process. */
export const realTurns: Turns = {
  now: () => performance.now(),
  next: () => new Promise(inNextTurn),
}

/** Runs a task that yields after each short step, and lets other tasks of the event loop run in between. */
export async function inSlices<Result>(task: Generator<void, Result>, turns: Turns): Promise<Result> {
  let since = turns.now()
  for (;;) {
    const { done, value } = task.next()
    if (done) return value
    if (turns.now() - since < SLICE) continue
    await turns.next()
    since = turns.now()
  }
}

/** Runs a task to its end at once. */
export function resultOf<Result>(task: Generator<void, Result>): Result {
  for (;;) {
    const { done, value } = task.next()
    if (done) return value
  }
}
