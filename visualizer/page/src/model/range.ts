const MINUTE = 60_000
const HOUR = 60 * MINUTE

/** The times that the buttons offer. */
export const ranges: readonly (readonly [name: string, ms: number])[] = [
  ['5 min', 5 * MINUTE],
  ['30 min', 30 * MINUTE],
  ['2 h', 2 * HOUR],
  ['12 h', 12 * HOUR],
  ['24 h', 24 * HOUR],
]

const SHORTEST = 30_000
/** It grows by so much at a time, because a picture whose scale always changes is hard to read. */
const GROWTH = 1.15

/** The time that is shown as long as the reader has not chosen one: all that is known, up to a day. */
export function fittingRange(first: number, now: number): number {
  const steps = Math.ceil(Math.log(Math.max(1, (now - first) / SHORTEST)) / Math.log(GROWTH))
  return Math.min(24 * HOUR, Math.round(SHORTEST * GROWTH ** steps))
}

/** Whether a range shows more than the next smaller one. */
export function isUseful(ms: number, first: number, now: number): boolean {
  const smaller = ranges.findLast(([, each]) => each < ms)?.[1] ?? 0
  return smaller < now - first
}
