import { type Condition, conditions } from './condition.ts'

/** The times in which one connection had its states, oldest first, and when it stopped reporting. */
export interface Course {
  readonly bands: readonly { readonly start: number; readonly family: Condition }[]
  readonly silentSince: number | null
  /** When another process took its place, if one did. */
  readonly supersededAt?: number | null
}

/** In milliseconds. A connection that gives up and recovers has failed for less than this. It is no failure to look at. */
const PASSING = 10

/** How many connections had each condition, by column of the picture. */
export type Heat = Readonly<Record<Condition, Uint16Array>>

/**
 * Counts the conditions in each of `columns` parts of the time from `from` to `to`. If a connection had several in one part,
 * the worst counts, so that even the shortest outage is visible.
 */
export function heatOf(courses: readonly Course[], from: number, to: number, columns: number): Heat {
  const counts = conditions.map(() => new Uint16Array(columns))
  // The worst has the highest number. 0: it did not exist.
  const worst = new Uint8Array(columns)
  const scale = columns / (to - from)
  for (const { bands, silentSince, supersededAt } of courses) {
    worst.fill(0)
    const mark = (start: number, end: number, condition: Condition) => {
      if (end < from || start > to) return
      const first = Math.max(0, Math.floor((start - from) * scale))
      const last = Math.min(columns - 1, Math.ceil((end - from) * scale) - 1)
      const rank = conditions.length - conditions.indexOf(condition)
      for (let column = first; column <= Math.max(first, last); column++) {
        if (rank > (worst[column] ?? rank)) worst[column] = rank
      }
    }
    const known = silentSince === null ? to : Math.min(to, silentSince)
    for (let index = bands.length - 1; index >= 0; index--) {
      const band = bands[index]
      if (!band) continue
      const end = Math.min(known, bands[index + 1]?.start ?? known)
      const isPassing = end - band.start < PASSING && index < bands.length - 1
      if (end >= band.start && !isPassing) mark(band.start, end, band.family)
      if (band.start < from) break
    }
    const [oldest] = bands
    if (silentSince !== null && oldest && silentSince !== supersededAt) {
      mark(Math.max(silentSince, oldest.start), Math.min(supersededAt ?? to, to), 'silent')
    }
    for (let column = 0; column < columns; column++) {
      const rank = worst[column] ?? 0
      const count = counts[conditions.length - rank]
      if (rank > 0 && count) count[column] = (count[column] ?? 0) + 1
    }
  }
  return Object.fromEntries(conditions.map((condition, index) => [condition, counts[index]])) as unknown as Heat
}

/**
 * When the most were without a connection; `null` if all were connected, as far as that is known. That the first ones had to
 * connect at the beginning does not count.
 */
export function worstOf(heat: Heat): { count: number; column: number } | null {
  const { failed, waiting, busy, resting } = heat
  let [worst, place] = [0, -1]
  for (let column = startOf(heat); column < failed.length; column++) {
    const count = [failed, waiting, busy, resting].reduce((sum, counts) => sum + (counts[column] ?? 0), 0)
    if (count > worst) [worst, place] = [count, column]
  }
  return place < 0 ? null : { count: worst, column: place }
}

/** The first column with a connection that was up, if all of them begin within the picture. */
function startOf({ online, ...others }: Heat): number {
  const isEmpty = (column: number) => Object.values(others).every((counts) => (counts[column] ?? 0) === 0)
  if (online[0] !== 0 || !isEmpty(0)) return 0
  return Math.max(
    0,
    online.findIndex((count) => count > 0),
  )
}
