/** Chooses one fault, or sometimes two at the same time. A fault that stops the broker occurs alone. */
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
