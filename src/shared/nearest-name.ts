/** Returns the known names that a name most resembles; several if they are equally near. Case is ignored. */
export function nearestNames(name: string, known: readonly string[]): readonly string[] {
  const typed = name.toLowerCase()
  const distances = known.map((each) => ({ each, distance: distanceBetween(typed, each.toLowerCase()) }))
  const least = Math.min(...distances.map(({ distance }) => distance))
  // A short name may have only one wrong letter.
  if (least > Math.max(1, Math.floor(name.length / 3))) return []
  return distances.filter(({ distance }) => distance === least).map(({ each }) => each)
}

function distanceBetween(typed: string, known: string): number {
  // A prefix of three or more letters counts as one mistake.
  if (typed.length >= 3 && known !== typed && known.startsWith(typed)) return 1
  // The computing time grows with both lengths, and a name this long cannot be near.
  return typed.length > 2 * known.length ? Number.POSITIVE_INFINITY : editDistance(typed, known)
}

/** Counts the letters to insert, delete, replace, or swap with their neighbours (optimal string alignment). */
function editDistance(a: string, b: string): number {
  /**
   * The distances of the current prefix of `a` from all prefixes of `b`; `before` is the same for the previous prefix.
   */
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  let before: number[] = []
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = at(row, j - 1) + (a[i - 1] === b[j - 1] ? 0 : 1)
      const exchanged = a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1] ? at(before, j - 2) + 1 : replaced
      next.push(Math.min(at(row, j) + 1, at(next, j - 1) + 1, replaced, exchanged))
    }
    before = row
    row = next
  }
  return at(row, b.length)
}

function at(distances: readonly number[], index: number): number {
  return distances[index] ?? Number.POSITIVE_INFINITY
}
