import type { Band } from './types.ts'
import { outagesOf } from './uptime.ts'

/** A time in which connections were down. */
export interface Trouble {
  readonly start: number
  readonly end: number
}

/**
 * In milliseconds. What begins within this time of another outage has the same cause. That it goes on is no criterion: one
 * connection that is refused for good would hide all later outages.
 */
const TOGETHER = 15_000

/**
 * The outages of several connections, oldest first. If a broker fails, that is one, however many connections it ends.
 *
 * @param until - the end of an outage that lasts
 */
export function troublesOf(courses: readonly { readonly bands: readonly Band[] }[], until: number): Trouble[] {
  const outages = courses.flatMap(({ bands }) => outagesOf({ bands }))
  // Of a single connection, each outage counts.
  const together = courses.length > 1 ? TOGETHER : 0
  const troubles: { readonly start: number; end: number }[] = []
  let last = Number.NEGATIVE_INFINITY
  for (const { start, end } of outages.toSorted((a, b) => a.start - b.start)) {
    const ends = Math.min(end ?? until, until)
    const trouble = start - last < together ? troubles.at(-1) : undefined
    last = start
    if (trouble) trouble.end = Math.max(trouble.end, ends)
    else troubles.push({ start, end: ends })
  }
  return troubles
}
