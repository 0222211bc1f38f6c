import { withoutSecrets } from '../../src/shared/redaction.ts'
import type { Json } from '../protocol.ts'
import { isObject, list, type Fields } from '../shared/json.ts'
import { functionName } from './redact.ts'

const MAX_NODES = 10_000
/** How deep states may be nested. Deeper states are left out, because a foreign definition must not overflow the stack. */
const MAX_DEPTH = 100
const MAX_TEXT = 500

interface Scope {
  nodes: number
}

/**
 * Writes the structure of a machine's config as JSON text, as the protocol requires. Only the fields named here are
 * copied: context, inputs, outputs, params and meta are left out. Functions are replaced by their names.
 */
export function definitionOf(config: unknown): string | undefined {
  if (!isObject(config)) return undefined
  return JSON.stringify(stateNode(config, { nodes: 0 }, 0))
}

function stateNode(config: Fields, scope: Scope, depth: number): Json {
  const shown: Record<string, Json> = {}
  if (++scope.nodes > MAX_NODES) return shown
  for (const field of ['id', 'type', 'history', 'description', 'target']) {
    const value = config[field]
    if (typeof value === 'string') shown[field] = text(value)
  }
  const initial = isObject(config.initial) ? config.initial.target : config.initial
  if (typeof initial === 'string') shown.initial = text(initial)
  if (config.tags !== undefined) shown.tags = list(config.tags).map((tag) => text(String(tag)))
  for (const field of ['entry', 'exit']) {
    if (config[field] !== undefined) shown[field] = list(config[field]).map(implementation)
  }
  for (const field of ['on', 'after']) {
    const value = config[field]
    if (isObject(value)) shown[field] = mapValues(value, (candidates) => transitions(candidates, scope))
  }
  for (const field of ['always', 'onDone']) {
    if (config[field] !== undefined) shown[field] = transitions(config[field], scope)
  }
  if (config.invoke !== undefined) shown.invoke = list(config.invoke).map((invoked) => invocation(invoked, scope))
  const { states } = config
  if (isObject(states) && depth < MAX_DEPTH) {
    shown.states = mapValues(states, (state) => (isObject(state) ? stateNode(state, scope, depth + 1) : {}))
  }
  return shown
}

function invocation(invoked: unknown, scope: Scope): Json {
  if (!isObject(invoked)) return {}
  const { id, src, systemId } = invoked
  const shown: Record<string, Json> = { src: sourceName(src) }
  if (typeof id === 'string') shown.id = text(id)
  if (typeof systemId === 'string') shown.systemId = text(systemId)
  for (const field of ['onDone', 'onError', 'onSnapshot']) {
    if (invoked[field] !== undefined) shown[field] = transitions(invoked[field], scope)
  }
  return shown
}

function transitions(candidates: unknown, scope: Scope): Json {
  const shown = list(candidates).map((candidate) => transition(candidate, scope))
  return Array.isArray(candidates) || shown.length !== 1 ? shown : (shown[0] ?? null)
}

function transition(candidate: unknown, scope: Scope): Json {
  if (typeof candidate === 'string') return text(candidate)
  const shown: Record<string, Json> = {}
  if (!isObject(candidate) || ++scope.nodes > MAX_NODES) return shown
  const { target, guard, actions, reenter, description } = candidate
  if (typeof target === 'string') shown.target = text(target)
  if (Array.isArray(target)) shown.target = target.map((id) => text(String(id)))
  if (guard !== undefined) shown.guard = implementation(guard)
  if (actions !== undefined) shown.actions = list(actions).map(implementation)
  if (reenter === true) shown.reenter = true
  if (typeof description === 'string') shown.description = text(description)
  return shown
}

/** A guard or an action as JSON. A string stays a string, and a function becomes an object, as in `@statelyai/inspect`. */
function implementation(value: unknown): Json {
  return typeof value === 'string' ? text(value) : { type: implementationName(value) }
}

/** The name of a guard or an action, such as `and(attemptsLeft, mayRecover)` for a combined guard. */
export function implementationName(value: unknown): string {
  if (typeof value === 'string') return text(value)
  if (!isObject(value) && typeof value !== 'function') return 'anonymous'
  const { type, guards } = value as { type?: unknown; guards?: unknown }
  if (typeof value === 'function' && Array.isArray(guards)) {
    return text(`${functionName(value)}(${guards.map(implementationName).join(', ')})`)
  }
  return typeof type === 'string' ? text(type) : functionName(value)
}

function sourceName(src: unknown): string {
  if (typeof src === 'string') return text(src)
  if (!isObject(src)) return 'anonymous'
  const { config } = src
  if (isObject(config) && typeof config.id === 'string') return text(config.id)
  return typeof config === 'function' && config.name !== '' ? functionName(config) : 'anonymous'
}

function mapValues(value: Fields, map: (member: unknown) => Json): Json {
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [text(key), map(member)]))
}

/** Redacts a state id or an event descriptor. It is a name in code, but it may contain an address. */
export function text(value: string): string {
  return withoutSecrets(value).slice(0, MAX_TEXT)
}
