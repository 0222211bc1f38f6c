/** One fault, and now and then two at a time; but what takes the broker away falls alone. */
export function choose(kinds: readonly string[], random: () => number): readonly string[] {
  const pick = () => kinds[Math.floor(random() * kinds.length)] ?? ''
  const first = pick()
  const second = pick()
  if (random() < 0.25 && first !== second && !fallsAlone(first) && !fallsAlone(second)) return [first, second]
  return [first]
}

function fallsAlone(name: string): boolean {
  return /^(broker|sessions|password)/.test(name)
}
