import type { Actor, Entry } from './types.ts'

/** The last entry of an actor up to a moment; without a moment, its last entry. */
export function entryAt({ entries }: Actor, at: Entry | null): Entry | null {
  const count = at ? countUpTo(entries, at.seq) : entries.length
  return entries[count - 1] ?? null
}

/** How many entries there are up to a sequence number. */
export function countUpTo(entries: readonly Entry[], seq: number): number {
  let low = 0
  let high = entries.length
  while (low < high) {
    const middle = (low + high) >> 1
    if ((entries[middle]?.seq ?? Infinity) <= seq) low = middle + 1
    else high = middle
  }
  return low
}
