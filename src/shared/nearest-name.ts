/** The names that one was probably meant to be; several if they are equally near. Upper and lower case are alike. */
export function nearestNames(name: string, known: readonly string[]): readonly string[] {
  const typed = name.toLowerCase()
  const distances = known.map((each) => ({ each, distance: distanceBetween(typed, each.toLowerCase()) }))
  const least = Math.min(...distances.map(({ distance }) => distance))
  // In a short name one wrong letter is much already.
  if (least > Math.max(1, Math.floor(name.length / 3))) return []
  return distances.filter(({ distance }) => distance === least).map(({ each }) => each)
}

function distanceBetween(typed: string, known: string): number {
  // The beginning of a name, of three letters and more, is nearly the name.
  if (typed.length >= 3 && known !== typed && known.startsWith(typed)) return 1
  // The time that it takes grows with both lengths, and a name so long is near to none of ours.
  return typed.length > 2 * known.length ? Number.POSITIVE_INFINITY : editDistance(typed, known)
}

/** How many letters have to be put in, left out, replaced, or exchanged with their neighbours. */
function editDistance(a: string, b: string): number {
  /** The distances of the beginning of `a` from all beginnings of `b`, and of the beginnings of `a` before it. */
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
