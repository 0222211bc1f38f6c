import { CRASHED, type Chart } from './statechart.ts'

/** The transitions of one source and event: the first whose guard holds is taken. */
interface Chain {
  readonly source: string
  readonly label: string
  readonly branches: readonly Branch[]
}

interface Branch {
  readonly guard: string | null
  /** A state, or a decision. */
  readonly target: string
}

/** What several chains end with, drawn once. */
interface Decision {
  readonly name: string
  readonly branches: readonly Branch[]
}

export interface MermaidOptions {
  /** What a chain of branches is called, by its first guard: the machine itself has no names for them. */
  readonly decisions?: Readonly<Record<string, string>>
  /** Events that are told in a note and have no arrows: what somebody may ask for at any time. */
  readonly notes?: readonly string[]
}

/**
 * A machine as a Mermaid `stateDiagram-v2`. Two states are joined by one arrow at most, with a line for each of its
 * reasons. What is decided alike in several places is drawn once, as a box of its own: the end of a chain of branches
 * from a guard on that has a name. What only acts, and what an actor that threw leads to, is left out.
 */
export function toMermaid(chart: Chart, { decisions: names = {}, notes = [] }: MermaidOptions = {}): string {
  const all = chainsOf(chart)
  const { chains, decisions } = shareDecisions(
    all.filter(({ label }) => !notes.includes(label)),
    names,
  )
  const boxes = decisions.flatMap(({ name }) => [`  state "${name} …" as ${name}`, `  class ${name} decision`])
  return [
    'stateDiagram-v2',
    '  classDef decision stroke-dasharray: 5 5',
    ...stateLines(chart, null, '  '),
    ...boxes,
    ...arrows(chart, chains, decisions),
    ...fromEverywhere(chart),
    ...notes.flatMap((label) => fromMany(all.filter((chain) => chain.label === label))),
  ].join('\n')
}

function stateLines(chart: Chart, parent: string | null, indent: string): string[] {
  return chart.states
    .filter((state) => state.parent === parent)
    .flatMap(({ id, name, initial }) => {
      const start = initial ? [`${indent}[*] --> ${alias(id)}`] : []
      const inner = stateLines(chart, id, `${indent}  `)
      if (inner.length > 0) return [...start, `${indent}state ${alias(id)} {`, ...inner, `${indent}}`]
      return parent === null ? start : [...start, `${indent}state "${name}" as ${alias(id)}`]
    })
}

function chainsOf({ transitions }: Chart): Chain[] {
  const chains = new Map<string, { source: string; label: string; branches: Branch[] }>()
  for (const { source, event, label, guard, target } of transitions) {
    if (source === null || target === null || label.endsWith(CRASHED)) continue
    const key = `${source} ${event}`
    const chain = chains.get(key) ?? { source, label, branches: [] }
    chain.branches.push({ guard, target })
    chains.set(key, chain)
  }
  return [...chains.values()]
}

function shareDecisions(chains: readonly Chain[], names: Readonly<Record<string, string>>) {
  const found = chains.map((chain) => {
    const from = chain.branches.findIndex(({ guard }) => guard !== null && Object.hasOwn(names, guard))
    const branches = from === -1 ? [] : chain.branches.slice(from)
    // Where exactly inside of a state is a detail that does not make another decision of it.
    const key = JSON.stringify(branches.map(({ guard, target }) => [guard, outermost(target)]))
    return { chain, from, branches, key }
  })
  const decisions = new Map<string, Decision>()
  const shared = found.map(({ chain, from, branches, key }) => {
    const others = found.filter((other) => other.key === key && other.chain.source !== chain.source)
    const name = names[branches[0]?.guard ?? '']
    if (name === undefined || others.length === 0) return chain
    decisions.set(key, { name, branches })
    return { ...chain, branches: [...chain.branches.slice(0, from), { guard: null, target: name }] }
  })
  return { chains: shared, decisions: [...decisions.values()] }
}

function arrows(chart: Chart, chains: readonly Chain[], decisions: readonly Decision[]): string[] {
  const labels = new Map<string, Set<string>>()
  const draw = (source: string, target: string, label: string) => {
    // Mermaid joins no states inside of different states: the arrow goes from the outer one, and its label says which.
    const apart = outermost(source) !== outermost(target)
    const [from, to] = apart ? [outermost(source), outermost(target)] : [source, target]
    if (from === to) return
    const inside = apart && source !== from ? `${nameOf(source)}: ` : ''
    const into = apart && target !== to && !chart.states.some(({ id, initial }) => id === target && initial)
    const arrow = `${alias(from)} --> ${alias(to)}`
    const lines = labels.get(arrow) ?? new Set()
    labels.set(arrow, lines.add(`${inside}${label}${into ? ` → ${nameOf(target)}` : ''}`))
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

/** What leads from everywhere to one state is a note there, and no arrow from everywhere. */
function fromEverywhere({ transitions }: Chart): string[] {
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

/** What leads to the same states from many is a note at the first of them. */
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

function outermost(id: string): string {
  return id.split('.', 1)[0] ?? id
}

function nameOf(id: string): string {
  return id.slice(id.lastIndexOf('.') + 1)
}

function alias(id: string): string {
  return id.replaceAll('.', '_')
}
