import { isObject, list, type Fields } from '../shared/json.ts'
import { findChoices, reactionKey } from './choices.ts'
import { initialOf, name, readDefinition, shortName, text, type Reaction, type StateDefinition } from './definition.ts'

/**
 * A machine's definition in the form that a drawing needs: nodes, edges and the rows of text on them. It does not depend
 * on XState, because the definition comes as JSON from any process.
 */
export interface Chart {
  readonly id: string
  readonly nodes: readonly ChartNode[]
  readonly edges: readonly ChartEdge[]
  /** Transitions of the root, which apply in any state. They are listed, not drawn. */
  readonly anywhere: readonly Row[]
  /** All transitions, in the order of the definition. */
  readonly reactions: readonly Reaction[]
  /** The rows that belong to a transition, by `transitionKey`. */
  readonly paths: { readonly [key: string]: readonly string[] }
}

export interface ChartNode {
  readonly id: string
  readonly name: string
  readonly kind: 'state' | 'final' | 'history' | 'choice'
  readonly parent: string | null
  readonly compound: boolean
  readonly parallel: boolean
  readonly initial: boolean
  readonly description: string
  readonly tags: readonly string[]
  /** Names of the delays that run in this state. */
  readonly delays: readonly string[]
  readonly invokes: readonly string[]
  /** Transitions that do not leave the state and only run actions. */
  readonly rows: readonly Row[]
}

/** All transitions from one node to another, drawn as one arrow. */
export interface ChartEdge {
  readonly id: string
  readonly source: string
  readonly target: string
  readonly rows: readonly Row[]
}

/** A transition, or one part of a transition that leads through a choice. */
export interface Row {
  readonly id: string
  /** In words; empty after a choice. */
  readonly event: string
  /** `else` for a transition without a guard after others with guards. */
  readonly guard: string
  /** Its actions, if it only runs actions; or its target, if no arrow shows it. */
  readonly effect: string
}

export function transitionKey(source: string, event: string, index: number): string {
  return `${source}|${event}|${index}`
}

/** @returns `null` if the text is not the definition of a machine */
export function parseChart(definition: string | undefined, commands?: readonly string[]): Chart | null {
  if (!definition) return null
  try {
    const raw: unknown = JSON.parse(definition)
    return isObject(raw) && isObject(raw.states) ? chartOf(raw, commands) : null
  } catch {
    return null
  }
}

/**
 * @param commands - events that people send. They become tags on the states that handle them; arrows show the other
 *   transitions.
 * @returns `null` if the machine is too large to be drawn
 */
export function chartOf(raw: Fields, commands: readonly string[] = []): Chart | null {
  const definition = readDefinition(raw)
  if (!definition) return null
  const { id: rootId, states, reactions } = definition
  const isCommand = (event: string) => commands.includes(event)
  const choices = findChoices(reactions.filter(({ source, event }) => source !== rootId && !isCommand(event)))
  const edges = new Map<string, { id: string; source: string; target: string; rows: Row[] }>()
  const inner = new Map<string, Row[]>()
  const paths: Record<string, string[]> = {}

  const add = (source: string, target: string, row: Omit<Row, 'id'>): string => {
    const edgeId = `${source}→${target}`
    const edge = edges.get(edgeId) ?? { id: edgeId, source, target, rows: [] }
    edges.set(edgeId, edge)
    return push(edge.rows, edgeId, row)
  }

  for (const { source, event, candidates } of reactions) {
    const choice = choices.get(reactionKey({ source, event }))
    const shared = choice ? candidates.length - choice.candidates.length : candidates.length
    for (const [index, candidate] of candidates.entries()) {
      const key = transitionKey(source, event, index)
      const guard = candidate.guard ?? (index > 0 ? 'else' : '')
      if (source !== rootId && isCommand(event)) {
        const tags = inner.get(source) ?? []
        inner.set(source, tags)
        paths[key] = [push(tags, source, { event, guard: '', effect: 'command' })]
      } else if (choice && index >= shared) {
        const into = add(source, choice.id, { event: eventWords(event), guard: shared > 0 ? 'else' : '', effect: '' })
        const place = index - shared
        const out = candidate.targets.map((target) =>
          add(choice.id, target, { event: '', guard: `${place + 1} ${candidate.guard ?? 'else'}`, effect: '' }),
        )
        paths[key] = [into, ...out]
      } else if (source === rootId || candidate.targets.length === 0) {
        // A forbidden event: nothing happens.
        if (candidate.targets.length === 0 && candidate.actions.length === 0) continue
        const effect =
          candidate.targets.length > 0
            ? `→ ${candidate.targets.map((target) => shortName(target)).join(', ')}`
            : `/ ${candidate.actions.join(', ')}`
        const rows = inner.get(source) ?? []
        inner.set(source, rows)
        paths[key] = [push(rows, source, { event: eventWords(event), guard, effect })]
      } else {
        paths[key] = candidate.targets.map((target) =>
          add(source, target, { event: eventWords(event), guard, effect: '' }),
        )
      }
    }
  }

  const nodes = states.map((state) => nodeOf(state, inner.get(state.id) ?? []))
  for (const { id, after } of new Set(choices.values())) {
    nodes.splice(nodes.findIndex((node) => node.id === after) + 1, 0, choiceNode(id))
  }
  return { id: rootId, nodes, edges: [...edges.values()], anywhere: inner.get(rootId) ?? [], reactions, paths }
}

/** The name of an event in the drawing. */
export function eventWords(type: string): string {
  if (type === '') return 'always'
  if (type === '*') return 'any event'
  const after = /^xstate\.after\.([^.]+)\./.exec(type)
  if (after) return `after ${delayWords(after[1] ?? '')}`
  const end = /^xstate\.(done|error)\.(actor|state)\.(.+)$/.exec(type)
  if (!end) return type
  const [, how, what, id = ''] = end
  if (what === 'state') return `${shortName(id)} done`
  return `${id === '*' ? 'an actor' : shortName(id)} ${how === 'done' ? 'done' : 'failed'}`
}

export function delayWords(delayName: string): string {
  const delay = Number(delayName)
  if (!Number.isFinite(delay)) return delayName
  return delay >= 1000 ? `${+(delay / 1000).toFixed(2)} s` : `${delay} ms`
}

/** The ids of the nodes that are active in a state value, without the machine itself. */
export function activeIds(chart: Chart, value: unknown): Set<string> {
  const active = new Set<string>()
  const children = new Map<string, ChartNode[]>()
  for (const node of chart.nodes) {
    const parent = node.parent ?? ''
    children.set(parent, [...(children.get(parent) ?? []), node])
  }
  const visit = (parent: string, part: unknown) => {
    const below = isObject(part) ? part : {}
    const parts = typeof part === 'string' ? { [part]: {} } : below
    for (const [key, inner] of Object.entries(parts)) {
      const node = children.get(parent)?.find((child) => child.name === key)
      if (!node) continue
      active.add(node.id)
      visit(node.id, inner)
    }
  }
  visit('', value)
  return active
}

function nodeOf(state: StateDefinition, rows: Row[]): ChartNode {
  const { id, key, raw, parent, children } = state
  return {
    id,
    name: key,
    kind: raw.type === 'final' || raw.type === 'history' ? raw.type : 'state',
    parent: parent?.parent ? parent.id : null,
    compound: children.length > 0,
    parallel: raw.type === 'parallel',
    initial: parent !== null && initialOf(parent) === key,
    description: text(raw.description),
    tags: list(raw.tags).map(text).filter(Boolean),
    delays: isObject(raw.after) ? Object.keys(raw.after) : [],
    invokes: list(raw.invoke)
      .map((invoke) => (isObject(invoke) ? name(invoke.src) || text(invoke.id) : name(invoke)))
      .filter(Boolean),
    rows,
  }
}

function choiceNode(id: string): ChartNode {
  const none = { compound: false, parallel: false, initial: false, description: '', tags: [], delays: [], rows: [] }
  return { id, name: '', kind: 'choice', parent: null, invokes: [], ...none }
}

/** Adds a row, unless there is one with the same text. Returns the id of the row. */
function push(rows: Row[], prefix: string, row: Omit<Row, 'id'>): string {
  const same = rows.find(
    ({ event, guard, effect }) => event === row.event && guard === row.guard && effect === row.effect,
  )
  if (same) return same.id
  const id = `${prefix}#${rows.length}`
  rows.push({ id, ...row })
  return id
}
