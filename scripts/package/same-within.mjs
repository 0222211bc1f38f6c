const NUMBER = /\d+(?:\.\d+)?/g

/** Whether two texts differ in their numbers only, and in none of them by more than this part of it. */
export function sameWithin(tolerance, old, now) {
  if (old.replaceAll(NUMBER, '#') !== now.replaceAll(NUMBER, '#')) return false
  const [before, after] = [old, now].map((text) => [...text.matchAll(NUMBER)].map(Number))
  return before.every((number, index) => Math.abs(after[index] - number) <= tolerance * number)
}
