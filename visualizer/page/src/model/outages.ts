import type { Band } from './types.ts'
import { outagesOf } from './uptime.ts'

/** A time in which at least one connection was down. */
export interface Trouble {
  readonly start: number
  readonly end: number
}

/**
 * The times in which at least one of the connections was down, oldest first. Of a broker's failure there is one, however many
 * connections it ended.
 *
 * @param until - the end of an outage that lasts
 */
export function troublesOf(courses: readonly { readonly bands: readonly Band[] }[], until: number): Trouble[] {
  const outages = courses.flatMap(({ bands }) =>
    outagesOf({ bands }).map(({ start, end }) => ({ start, end: Math.min(end ?? until, until) })),
  )
  const troubles: { start: number; end: number }[] = []
  for (const outage of outages.toSorted((a, b) => a.start - b.start)) {
    const last = troubles.at(-1)
    if (last && outage.start <= last.end) last.end = Math.max(last.end, outage.end)
    else troubles.push(outage)
  }
  return troubles
}
