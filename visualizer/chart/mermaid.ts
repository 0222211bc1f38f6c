import type { AnyStateMachine } from 'xstate'

import { findChoices, reactionKey } from './choices.ts'
import { shortName, type Reaction } from './definition.ts'
import { CRASHED, listingOf, type Listing } from './listing.ts'

/** The transitions of one source and event: the first whose guard holds is taken. */
interface Chain {
  /** The path of a state. */
  readonly source: string
  readonly event: string
  readonly label: string
  readonly branches: readonly Branch[]
}

interface Branch {
  readonly guard: string | null
  /** The path of a state, or the name of a decision. */
  readonly target: string
}

/** The common end of several chains, drawn once. */
interface Decision {
  readonly name: string
  readonly branches: readonly Branch[]
}

export interface MermaidOptions {
  /** Names for decisions, by their first guard: the machine has none. A decision without a name is not drawn as one. */
  readonly decisions?: Readonly<Record<string, string>>
  /** Events that get a note instead of arrows, because they are handled in most states. */
  readonly notes?: readonly string[]
}

/**
 * A machine as a Mermaid `stateDiagram-v2`. Between two states there is at most one arrow each way, with a line for each
 * transition. If several states decide alike, the decision is drawn once, as a box. Transitions that only run actions are
 * left out, and so are those for actors that crashed.
 */
export function toMermaid(
  machine: AnyStateMachine,
  { decisions: names = {}, notes = [] }: MermaidOptions = {},
): string {
  const listing = listingOf(machine)
  const all = chainsOf(listing)
  const { chains, decisions } = shareDecisions(
    all.filter(({ label }) => !notes.includes(label)),
    names,
  )
  const boxes = decisions.flatMap(({ name }) => [`  state "${name} …" as ${name}`, `  class ${name} decision`])
  return [
    'stateDiagram-v2',
    '  classDef decision stroke-dasharray: 5 5',
    ...stateLines(listing, null, '  '),
    ...boxes,
    ...arrows(listing, chains, decisions),
    ...fromEverywhere(listing),
    ...notes.flatMap((label) => fromMany(all.filter((chain) => chain.label === label))),
  ].join('\n')
}

function stateLines(listing: Listing, parent: string | null, indent: string): string[] {
  return listing.states
    .filter((state) => state.parent === parent)
    .flatMap(({ id, name, initial }) => {
      const start = initial ? [`${indent}[*] --> ${alias(id)}`] : []
      const inner = stateLines(listing, id, `${indent}  `)
      if (inner.length > 0) return [...start, `${indent}state ${alias(id)} {`, ...inner, `${indent}}`]
      return parent === null ? start : [...start, `${indent}state "${name}" as ${alias(id)}`]
    })
}

function chainsOf({ transitions }: Listing): Chain[] {
  const chains = new Map<string, Chain & { branches: Branch[] }>()
  for (const { source, event, label, guard, target } of transitions) {
    if (source === null || target === null || label.endsWith(CRASHED)) continue
    const key = reactionKey({ source, event })
    const chain = chains.get(key) ?? { source, event, label, branches: [] }
    chain.branches.push({ guard, target })
    chains.set(key, chain)
  }
  return [...chains.values()]
}

function shareDecisions(chains: readonly Chain[], names: Readonly<Record<string, string>>) {
  const choices = findChoices(chains.map(asReaction))
  const decisions = new Map<string, Decision>()
  const shared = chains.map((chain) => {
    const choice = choices.get(reactionKey(chain))
    const name = names[choice?.candidates[0]?.guard ?? '']
    if (!choice || name === undefined) return chain
    const start = chain.branches.length - choice.candidates.length
    if (!decisions.has(choice.id)) decisions.set(choice.id, { name, branches: chain.branches.slice(start) })
    return { ...chain, branches: [...chain.branches.slice(0, start), { guard: null, target: name }] }
  })
  return { chains: shared, decisions: [...decisions.values()] }
}

/** Two decisions count as the same if they differ only in inner states of the same outer state. */
function asReaction({ source, event, branches }: Chain): Reaction {
  const candidates = branches.map(({ guard, target }) => ({ guard, targets: [outermost(target)], actions: [] }))
  return { source, event, candidates }
}

function arrows(listing: Listing, chains: readonly Chain[], decisions: readonly Decision[]): string[] {
  const labels = new Map<string, Set<string>>()
  const draw = (source: string, target: string, label: string) => {
    // Mermaid cannot join states inside different outer states. The arrow joins the outer ones, and its label names the
    // inner ones.
    const apart = outermost(source) !== outermost(target)
    const [from, to] = apart ? [outermost(source), outermost(target)] : [source, target]
    if (from === to) return
    const inside = apart && source !== from ? `${shortName(source)}: ` : ''
    const into = apart && target !== to && !listing.states.some(({ id, initial }) => id === target && initial)
    const arrow = `${alias(from)} --> ${alias(to)}`
    const lines = labels.get(arrow) ?? new Set()
    labels.set(arrow, lines.add(`${inside}${label}${into ? ` → ${shortName(target)}` : ''}`))
  }
  for (const { source, label, branches } of chains) {
    for (const { guard, target } of branches) {
      draw(source, target, [label, guard && `[${guard}]`].filter(Boolean).join(' '))
    }
  }
  for (const { name, branches } of decisions) {
    for (const [index, { guard, target }] of branches.entries()) {
      draw(name, outermost(target), `${index + 1} ${guard === null ? 'else' : `[${guard}]`}`)
    }
  }
  return [...labels].map(([arrow, lines]) => `  ${arrow}: ${[...lines].join('<br/>')}`)
}

/** A transition of the root becomes a note at its target, not an arrow from each state. */
function fromEverywhere({ transitions }: Listing): string[] {
  return transitions
    .filter(({ source, target }) => source === null && target !== null)
    .flatMap(({ event, target }) => {
      const except = transitions
        .filter((other) => other.source !== null && other.event === event && other.target === null)
        .map(({ source }) => source)
      const but = except.length > 0 ? ` but ${except.join(', ')}` : ''
      return note(target ?? '', `${event}, from every state${but}`)
    })
}

/** Chains from many states to the same targets become a note at the first target. */
function fromMany(chains: readonly Chain[]): string[] {
  const [first] = chains
  if (!first) return []
  const sources = [...new Set(chains.map(({ source }) => outermost(source)))].join(', ')
  const targets = first.branches.map(({ guard, target }) => `${outermost(target)} ${guard ? `[${guard}]` : 'else'}`)
  return note(
    outermost(first.branches[0]?.target ?? ''),
    `${first.label}, from ${sources}<br/>to ${targets.join(', ')}`,
  )
}

function note(state: string, text: string): string[] {
  return [`  note right of ${alias(state)}`, `    ${text}`, '  end note']
}

function outermost(path: string): string {
  return path.split('.', 1)[0] ?? path
}

function alias(path: string): string {
  return path.replaceAll('.', '_')
}
