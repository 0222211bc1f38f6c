import type { Clock } from '../api/clock.ts'

/** Real time. */
export const realClock: Clock = {
  setTimeout: (callback, delay) => setTimeout(callback, delay),
  clearTimeout: (id) => clearTimeout(id as ReturnType<typeof setTimeout>),
  now: () => performance.now(),
}

/**
 * Returns the function that measures durations: the clock's own time, which does not jump when the wall clock is set.
 *
 * @param now - used if the clock has no time of its own
 */
export function monotonicTime(clock: Clock, now: () => number): () => number {
  return clock.now ? () => (clock.now as () => number)() : now
}
