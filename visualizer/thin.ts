/**
 * Leaves out what lies closer together than its age needs: the last minutes stay as they are, last night gets coarse. Of
 * totals the differences stay right.
 *
 * @param items - oldest first
 * @param most - how many may be left
 */
export function thin<Item extends object>(
  items: readonly Item[],
  timeOf: (item: Item) => number,
  most: number,
): Item[] {
  const newest = items.at(-1)
  if (newest === undefined || most < 1) return []
  const now = timeOf(newest)
  // Of a night of samples, one a second, about most / 2 are left: the next thinning is far off.
  const perAge = Math.max(1, most / 24)
  const kept = [newest]
  let last = now
  for (let index = items.length - 2; index >= 0; index--) {
    const [item, older] = [items[index], items[index - 1]]
    if (item === undefined) continue
    // By the gap that would come of it: else the gaps of one thinning add up with those of the next.
    if (older !== undefined && last - timeOf(older) <= (now - timeOf(older)) / perAge) continue
    kept.push(item)
    last = timeOf(item)
  }
  return kept.slice(0, Math.max(1, Math.floor((most * 3) / 4))).toReversed()
}
