import { isObject, list, type Fields } from '../shared/json.ts'

/** A machine as its config defines it. The config may come from any process, so its form is not taken for granted. */
export interface Definition {
  readonly id: string
  /** All states below the root, in document order. */
  readonly states: readonly StateDefinition[]
  /** All transitions, those of the root first, then in document order. */
  readonly reactions: readonly Reaction[]
}

export interface StateDefinition {
  /** As XState makes it: the state's own id, or the keys on the way to it, after the machine's id. */
  readonly id: string
  readonly key: string
  readonly raw: Fields
  /** `null` for the root. */
  readonly parent: StateDefinition | null
  readonly children: StateDefinition[]
}

/** All candidates of one state for one event, in order: the first whose guard holds is taken. */
export interface Reaction {
  /** The id of the state. */
  readonly source: string
  readonly event: string
  readonly candidates: readonly Candidate[]
}

export interface Candidate {
  readonly guard: string | null
  /** Ids of states. */
  readonly targets: readonly string[]
  readonly actions: readonly string[]
}

/** A larger chart would be unreadable. */
const MAX_STATES = 400

/** @returns `null` if there are too many states */
export function readDefinition(raw: Fields): Definition | null {
  const id = text(raw.id) || '(machine)'
  const root: StateDefinition = { id, key: id, raw, parent: null, children: [] }
  const states: StateDefinition[] = []
  addStates(root, states)
  if (states.length > MAX_STATES) return null
  const all = [root, ...states]
  const byId = new Map(all.map((state) => [state.id, state]))
  return { id, states, reactions: all.flatMap((state) => reactionsOf(state, root, byId)) }
}

/** The key of the state that a state begins with, or an empty text. */
export function initialOf({ raw }: StateDefinition): string {
  if (typeof raw.initial === 'string') return raw.initial
  if (!isObject(raw.initial)) return ''
  return shortName(text(list(raw.initial.target)[0]))
}

/** The id of an actor that a state invokes, as XState makes it. */
export function invokeId({ id }: StateDefinition, invoke: Fields, index: number): string {
  return text(invoke.id) || `${index}.${id}`
}

/** The name of a guard, an action or an actor: a text, or the `type` of an object. */
export function name(value: unknown): string {
  if (typeof value === 'string') return value
  if (!isObject(value)) return ''
  const inner = list(value.guards).map(name).filter(Boolean)
  return inner.length > 0 ? `${text(value.type) || 'guards'}(${inner.join(', ')})` : text(value.type)
}

export function text(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

/** The last part of a state's id. */
export function shortName(id: string): string {
  return id.slice(id.lastIndexOf('.') + 1)
}

function addStates(parent: StateDefinition, all: StateDefinition[]): void {
  const { states } = parent.raw
  if (!isObject(states)) return
  for (const [key, value] of Object.entries(states)) {
    const raw = isObject(value) ? value : {}
    const id = text(raw.id) || [...keysTo(parent), key].join('.')
    const child: StateDefinition = { id, key, raw, parent, children: [] }
    parent.children.push(child)
    all.push(child)
    if (all.length > MAX_STATES) return
    addStates(child, all)
  }
}

/** XState builds the id of a state from the keys, even where a state on the way has an id of its own. */
function keysTo(state: StateDefinition): string[] {
  return state.parent ? [...keysTo(state.parent), state.key] : [state.id]
}

type ById = ReadonlyMap<string, StateDefinition>

function reactionsOf(state: StateDefinition, root: StateDefinition, byId: ById): Reaction[] {
  const { raw, id } = state
  const reactions: Reaction[] = []
  const add = (event: string, value: unknown) => {
    const candidates = list(value).flatMap((entry) => candidateOf(entry, state, root, byId))
    if (candidates.length > 0) reactions.push({ source: id, event, candidates })
  }
  if (isObject(raw.on)) for (const [event, value] of Object.entries(raw.on)) add(event, value)
  if (raw.onDone !== undefined) add(`xstate.done.state.${id}`, raw.onDone)
  for (const [index, invoke] of list(raw.invoke).entries()) {
    if (!isObject(invoke)) continue
    const actor = invokeId(state, invoke, index)
    if (invoke.onDone !== undefined) add(`xstate.done.actor.${actor}`, invoke.onDone)
    if (invoke.onError !== undefined) add(`xstate.error.actor.${actor}`, invoke.onError)
    if (invoke.onSnapshot !== undefined) add(`xstate.snapshot.${actor}`, invoke.onSnapshot)
  }
  if (isObject(raw.after)) {
    for (const [delay, value] of Object.entries(raw.after)) add(`xstate.after.${delay}.${id}`, value)
  }
  if (raw.always !== undefined) add('', raw.always)
  return reactions
}

function candidateOf(entry: unknown, source: StateDefinition, root: StateDefinition, byId: ById): Candidate[] {
  if (typeof entry === 'string') return [{ guard: null, targets: resolve(entry, source, root, byId), actions: [] }]
  if (!isObject(entry)) return []
  const targets = list(entry.target).flatMap((target) => resolve(text(target), source, root, byId))
  const actions = list(entry.actions).map(name).filter(Boolean)
  return [{ guard: entry.guard === undefined ? null : name(entry.guard) || 'a guard', targets, actions }]
}

function resolve(target: string, source: StateDefinition, root: StateDefinition, byId: ById): string[] {
  if (target === '') return []
  if (target.startsWith('#')) return find(target.slice(1), byId)
  const inside = target.startsWith('.')
  const start = inside ? source : (source.parent ?? root)
  return below(start, inside ? target.slice(1) : target)
}

/** `#id`, or a path that begins with an id. */
function find(target: string, byId: ById): string[] {
  if (byId.has(target)) return [target]
  for (let end = target.lastIndexOf('.'); end > 0; end = target.lastIndexOf('.', end - 1)) {
    const state = byId.get(target.slice(0, end))
    if (state) return below(state, target.slice(end + 1))
  }
  return []
}

/** The id of the state at a path of keys, or nothing. */
function below(start: StateDefinition, path: string): string[] {
  let state: StateDefinition | undefined = start
  for (const key of path.split('.')) state = state?.children.find((child) => child.key === key)
  return state ? [state.id] : []
}
