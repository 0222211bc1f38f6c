/**
 * Reduces the number of samples by age: the last minutes stay complete, and older hours become coarse. The samples that
 * remain are unchanged, so differences between totals stay right.
 *
 * @param items - oldest first
 * @param most - how many may remain
 */
export function downsample<Item extends object>(
  items: readonly Item[],
  timeOf: (item: Item) => number,
  most: number,
): Item[] {
  const newest = items.at(-1)
  if (newest === undefined || most < 1) return []
  const now = timeOf(newest)
  // Of a night with one sample a second, about most / 2 remain, so it is long until the next reduction.
  const perAge = Math.max(1, most / 24)
  const kept = [newest]
  let last = now
  for (let index = items.length - 2; index >= 0; index--) {
    const [item, older] = [items[index], items[index - 1]]
    if (item === undefined) continue
    // Judged by the gap that would result: otherwise the gaps of successive reductions would add up.
    if (older !== undefined && last - timeOf(older) <= (now - timeOf(older)) / perAge) continue
    kept.push(item)
    last = timeOf(item)
  }
  return kept.slice(0, Math.max(1, Math.floor((most * 3) / 4))).toReversed()
}
