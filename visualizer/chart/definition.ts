import { isObject, list, type Fields } from '../shared/json.ts'

// Reads the config of a machine, which may come from anywhere: nothing in it is taken for granted.

export interface Candidate {
  readonly guard: string | null
  readonly targets: readonly string[]
  readonly actions: readonly string[]
}

/** All candidates of one state for one event, in order: the first whose guard holds is taken. */
export interface Reaction {
  readonly source: string
  readonly event: string
  readonly candidates: readonly Candidate[]
}

export interface Draft {
  readonly id: string
  readonly key: string
  readonly raw: Fields
  readonly parent: Draft | null
  readonly children: Draft[]
}

/** More nobody can look at. */
export const MAX_NODES = 400

export function grow(draft: Draft, all: Draft[]): void {
  const { states } = draft.raw
  if (!isObject(states)) return
  for (const [key, value] of Object.entries(states)) {
    const raw = isObject(value) ? value : {}
    const path = pathOf(draft)
    const child: Draft = {
      id: text(raw.id) || [...path, key].join('.'),
      key,
      raw,
      parent: draft,
      children: [],
    }
    draft.children.push(child)
    all.push(child)
    if (all.length > MAX_NODES) return
    grow(child, all)
  }
}

/** Like XState: a state without an id of its own is called by the keys on the way to it, from the machine's id on. */
function pathOf(draft: Draft): string[] {
  return draft.parent ? [...pathOf(draft.parent), draft.key] : [draft.id]
}

export function initialOf({ raw }: Draft): string {
  if (typeof raw.initial === 'string') return raw.initial
  if (!isObject(raw.initial)) return ''
  return shortName(text(list(raw.initial.target)[0]))
}

export function reactionsOf(draft: Draft, root: Draft, byId: Map<string, Draft>): Reaction[] {
  const { raw, id } = draft
  const reactions: Reaction[] = []
  const add = (event: string, value: unknown) => {
    const candidates = list(value).flatMap((entry) => candidateOf(entry, draft, root, byId))
    if (candidates.length > 0) reactions.push({ source: id, event, candidates })
  }
  if (isObject(raw.on)) for (const [event, value] of Object.entries(raw.on)) add(event, value)
  if (raw.always !== undefined) add('', raw.always)
  if (isObject(raw.after)) {
    for (const [delay, value] of Object.entries(raw.after)) add(`xstate.after.${delay}.${id}`, value)
  }
  for (const [index, invoke] of list(raw.invoke).entries()) {
    if (!isObject(invoke)) continue
    const actor = text(invoke.id) || `${index}.${id}`
    if (invoke.onDone !== undefined) add(`xstate.done.actor.${actor}`, invoke.onDone)
    if (invoke.onError !== undefined) add(`xstate.error.actor.${actor}`, invoke.onError)
    if (invoke.onSnapshot !== undefined) add(`xstate.snapshot.${actor}`, invoke.onSnapshot)
  }
  if (raw.onDone !== undefined) add(`xstate.done.state.${id}`, raw.onDone)
  return reactions
}

function candidateOf(entry: unknown, source: Draft, root: Draft, byId: Map<string, Draft>): Candidate[] {
  if (typeof entry === 'string') return [{ guard: null, targets: resolve(entry, source, root, byId), actions: [] }]
  if (!isObject(entry)) return []
  const targets = list(entry.target).flatMap((target) => resolve(text(target), source, root, byId))
  const actions = list(entry.actions).map(name).filter(Boolean)
  return [{ guard: entry.guard === undefined ? null : name(entry.guard) || 'a guard', targets, actions }]
}

function resolve(target: string, source: Draft, root: Draft, byId: Map<string, Draft>): string[] {
  if (target === '') return []
  if (target.startsWith('#')) return find(target.slice(1), byId)
  const inside = target.startsWith('.')
  const start = inside ? source : (source.parent ?? root)
  let draft: Draft | undefined = start
  for (const key of (inside ? target.slice(1) : target).split('.')) {
    draft = draft?.children.find((child) => child.key === key)
  }
  return draft ? [draft.id] : []
}

/** `#id`, or a path that begins with an id. */
function find(target: string, byId: Map<string, Draft>): string[] {
  if (byId.has(target)) return [target]
  for (let end = target.lastIndexOf('.'); end > 0; end = target.lastIndexOf('.', end - 1)) {
    let draft = byId.get(target.slice(0, end))
    if (!draft) continue
    for (const key of target.slice(end + 1).split('.')) draft = draft?.children.find((child) => child.key === key)
    return draft ? [draft.id] : []
  }
  return []
}

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
