import type { Clock } from '../api/clock.ts'

/** Real time. */
export const realClock: Clock = {
  setTimeout: (callback, delay) => setTimeout(callback, delay),
  clearTimeout: (id) => clearTimeout(id as ReturnType<typeof setTimeout>),
  now: () => performance.now(),
}

/**
 * The time that durations are measured in: the clock's own, which goes on by itself when the wall clock is set.
 *
 * @param now - taken for a clock that has no time of its own
 */
export function monotonicTime(clock: Clock, now: () => number): () => number {
  return clock.now ? () => (clock.now as () => number)() : now
}
