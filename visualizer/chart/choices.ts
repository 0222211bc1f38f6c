import type { Candidate, Reaction } from './definition.ts'

export interface Choice {
  readonly id: string
  /** The first state that leads to this choice. */
  readonly after: string
  readonly candidates: readonly Candidate[]
}

/**
 * Finds the ends of guard chains that several states share. Each is drawn once, as one node with the guarded edges:
 * otherwise a policy such as *decide* would become dozens of arrows that say the same.
 *
 * @returns the choices by `reactionKey`
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
      // The longest tail comes first, so it wins over a shorter one that is shared as often.
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
