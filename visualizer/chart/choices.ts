import type { Candidate, Reaction } from './definition.ts'

export interface Choice {
  readonly id: string
  /** The first state that leads to it. */
  readonly after: string
  readonly candidates: readonly Candidate[]
}

/**
 * Guard chains that several states share end in one diamond, from which the guarded edges are drawn once: else a policy
 * like *decide* becomes dozens of arrows that say the same.
 */
export function findChoices(reactions: readonly Reaction[]): Map<string, Choice> {
  const users = new Map<string, Set<string>>()
  for (const { source, candidates } of reactions) {
    for (const tail of tailsOf(candidates)) {
      const signature = signatureOf(tail)
      users.set(signature, (users.get(signature) ?? new Set()).add(source))
    }
  }
  const named = new Map<string, Choice>()
  const choices = new Map<string, Choice>()
  for (const reaction of reactions) {
    let best: readonly Candidate[] | undefined
    let most = 1
    for (const tail of tailsOf(reaction.candidates)) {
      const count = users.get(signatureOf(tail))?.size ?? 0
      // The longest comes first.
      if (count > most) [best, most] = [tail, count]
    }
    if (!best) continue
    const signature = signatureOf(best)
    const choice = named.get(signature) ?? { id: `choice ${named.size + 1}`, after: reaction.source, candidates: best }
    named.set(signature, choice)
    choices.set(reactionKey(reaction), choice)
  }
  return choices
}

function tailsOf(candidates: readonly Candidate[]): readonly Candidate[][] {
  if (candidates.some(({ targets }) => targets.length === 0)) return []
  return candidates.slice(0, -1).map((_, start) => candidates.slice(start))
}

function signatureOf(candidates: readonly Candidate[]): string {
  return JSON.stringify(candidates.map(({ guard, targets }) => [guard, targets]))
}

export function reactionKey({ source, event }: Pick<Reaction, 'source' | 'event'>): string {
  return `${source}|${event}`
}
