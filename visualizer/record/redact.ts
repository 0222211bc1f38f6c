import { REDACTED, withoutSecrets } from '../../src/shared/redaction.ts'
import { kindOfName } from '../../src/shared/secret-names.ts'
import type { Json, ShownEvent } from '../protocol.ts'
import { sessionIdOf } from './session-id.ts'
import { isTransportInput } from './transport-input.ts'

/** Decides whether the value under a name is hidden as well. If it throws, the value is hidden. */
export type Hide = (name: string, value: unknown) => boolean

const MAX_DEPTH = 8
/** For state values. A state value that is cut short would show a state that the machine is not in. */
const MAX_STATE_DEPTH = 100
const MAX_NODES = 600
const MAX_ITEMS = 50
const MAX_KEYS = 100
const MAX_TEXT = 300
const WAS_CUT = /^… \(\d+ characters\)$/
/** For all texts in one value together. */
const MAX_CHARACTERS = 32_000
const MAX_LEARNED = 100
const MIN_LEARNED = 6
const MAX_LEARNED_LENGTH = 10_000

/** The words that the library's machines use for `status` and `reason`. They are shown where other strings are hidden. */
const VOCABULARY = new Set(
  'none missing fresh proven refused initial expiring cycle requested active done error stopped'.split(' '),
)

/**
 * Turns any value into plain JSON of limited size without secrets. A value counts as a secret because of its name, because
 * of its form, because of its place (of inputs, outputs and errors only the shape is shown), or because it was seen in
 * such a place before.
 */
export class Redactor {
  readonly #hide: Hide | undefined
  /** Known secrets, which are hidden everywhere: a machine may put the result of a promise into its context. */
  readonly #learned = new Set<string>()
  readonly #names = new Set<string>()
  /** The results for frozen objects, which cannot change. Cleared when a secret is learned, because it may be in them. */
  #frozen = new WeakMap<object, Json>()
  #last: { readonly event: object; readonly shown: ShownEvent } | undefined
  #nodes = 0
  #characters = 0

  constructor(hide?: Hide) {
    this.#hide = hide
  }

  /** Registers the name of an actor. If an input contains it too, that does not make it a secret. */
  named(name: string): void {
    if (this.#names.size >= MAX_LEARNED) this.#names.clear()
    this.#names.add(name)
  }

  /** Shows everything in a value that does not look like a secret. Used for contexts. */
  show(value: unknown): Json {
    this.#begin()
    return this.#scrub(this.#value(value, 0, false, false))
  }

  /** Shows the names and numbers in a value, and the types of everything else. Used for inputs and outputs. */
  shape(value: unknown): Json {
    this.#begin()
    return this.#shape(value)
  }

  /** Shows a state value. States are names in code, even if they look like secrets. */
  state(value: unknown, depth = 0): Json {
    if (typeof value === 'string') return value.slice(0, MAX_TEXT)
    if (typeof value !== 'object' || value === null || depth > MAX_STATE_DEPTH) return null
    const regions = Object.entries(value).slice(0, MAX_KEYS)
    return Object.fromEntries(regions.map(([name, region]) => [name, this.state(region, depth + 1)]))
  }

  /** Shows the name and code of an error. Its message may quote a secret. */
  error(error: unknown): Json {
    if (error === undefined || error === null) return null
    if (typeof error !== 'object') return { name: typeof error }
    const { name, code } = read(() => error as { name?: unknown; code?: unknown }, {})
    const shown = (field: unknown) => (typeof field === 'string' && /^\w{1,60}$/.test(field) ? field : undefined)
    const number = typeof code === 'number' ? code : shown(code)
    return { name: shown(name) ?? className(error), ...(number !== undefined && { code: number }) }
  }

  event(event: unknown): ShownEvent {
    const { type, ...rest } = read((): Record<string, unknown> => ({ ...(event as object) }), {})
    const name = typeof type === 'string' ? type : typeof type
    const shown: Record<string, Json> = {}
    this.#begin()
    for (const [key, value] of Object.entries(rest).slice(0, MAX_KEYS)) {
      if (value !== undefined) shown[this.text(key)] = this.#eventField(name, key, value)
    }
    return { ...(this.#scrub(shown) as Record<string, Json>), type: this.text(name) }
  }

  /** Like `event`, for an event that comes twice in a row: with `@xstate.event` and usually with `@xstate.snapshot`. */
  eventOnce(event: object): ShownEvent {
    if (this.#last?.event !== event) this.#last = { event, shown: this.event(event) }
    return this.#last.shown
  }

  /** Shows a text without known secrets, and without parts that look like secrets. */
  text(text: string): string {
    const shown = this.#unlearned(withoutSecrets(text))
    if (shown.length <= MAX_TEXT || WAS_CUT.test(shown.slice(MAX_TEXT))) return shown
    return `${shown.slice(0, MAX_TEXT)}… (${text.length} characters)`
  }

  #begin(): void {
    this.#nodes = 0
    this.#characters = 0
  }

  #shape(value: unknown): Json {
    return typeof value === 'number' || typeof value === 'bigint' ? '[number]' : this.#value(value, 0, true, false)
  }

  #bounded(text: string): string {
    if (this.#characters > MAX_CHARACTERS) return '…'
    const shown = this.text(text)
    this.#characters += shown.length
    return shown
  }

  /** In XState's own events, every field may hold a result or an input. */
  #eventField(type: string, key: string, value: unknown): Json {
    if (key === 'error' || value instanceof Error) return this.error(value)
    if (!type.startsWith('xstate.')) return this.#member(key, value, 0, false)
    if (key === 'snapshot') return '[snapshot]'
    // It repeats servers and failures, which would be hidden in the context from then on.
    if (key === 'input' && isTransportInput(value)) return this.#value(value, 0, false, false)
    return key === 'actorId' && typeof value === 'string' ? this.text(value) : this.#shape(value)
  }

  #member(name: string, value: unknown, depth: number, strict: boolean): Json {
    const { strings, all } = kindOfName(name)
    if (this.#hides(name, value)) return this.#secret(value)
    if (all) return isContainer(value) ? this.#value(value, depth, true, true) : this.#secret(value)
    if (strict && typeof value === 'string' && VOCABULARY.has(value)) return value
    return this.#value(value, depth, strict, strings)
  }

  #hides(name: string, value: unknown): boolean {
    if (!this.#hide) return false
    try {
      return this.#hide(name, value)
    } catch {
      return true
    }
  }

  #value(value: unknown, depth: number, strict: boolean, secret: boolean): Json {
    switch (typeof value) {
      case 'string':
        if (secret) return this.#secret(value)
        return strict ? this.#kindOf(value) : this.#bounded(value)
      case 'number':
        return Number.isFinite(value) ? value : String(value)
      case 'boolean':
        return value
      case 'bigint':
        return `${value}n`
      case 'undefined':
        return null
      case 'function':
        return `ƒ ${functionName(value)}`
      case 'symbol':
        return '[symbol]'
      case 'object':
        return value === null ? null : this.#object(value, depth, strict, secret)
    }
  }

  #object(value: object, depth: number, strict: boolean, secret: boolean): Json {
    if (++this.#nodes > MAX_NODES || depth >= MAX_DEPTH) return '[…]'
    if (isActorRef(value)) return { xstate$$type: 1, id: this.text(value.id), sessionId: sessionIdOf(value) }
    if (Array.isArray(value)) return this.#array(value, depth, strict, secret)
    if (!isPlain(value)) return strict || value instanceof Error ? nameOfInstance(value) : showInstance(value)
    const frozen = !strict && !this.#hide && Object.isFrozen(value)
    const before = frozen ? this.#frozen.get(value) : undefined
    if (before !== undefined) return before
    const nodes = this.#nodes
    const shown: Record<string, Json> = {}
    let count = 0
    for (const key in value) {
      if (++count > MAX_KEYS) {
        shown['…'] = 'more'
        break
      }
      const member = read(() => (value as Record<string, unknown>)[key], '[threw]')
      if (member !== undefined) define(shown, this.text(key), this.#member(key, member, depth + 1, strict))
    }
    // A value may have been cut short only because it is inside a large one, so such a result is not kept.
    if (frozen && this.#nodes < MAX_NODES && this.#nodes - nodes > 2) this.#frozen.set(value, shown)
    return shown
  }

  #array(value: readonly unknown[], depth: number, strict: boolean, secret: boolean): Json {
    const shown = value.slice(0, MAX_ITEMS).map((item) => this.#value(item, depth + 1, strict, secret))
    if (value.length > MAX_ITEMS) shown.push(`… (${value.length} items)`)
    return shown
  }

  #secret(value: unknown): Json {
    if (typeof value === 'string') this.#learn(value)
    return value === null || value === undefined ? null : REDACTED
  }

  /** The type of a string that may be a secret. A plain word is not learned, because it would be hidden everywhere. */
  #kindOf(value: string): Json {
    // The app that reports the value has already redacted it.
    if (/^\[[^\]]*\]$/.test(value)) return value
    const isWord = /^[a-zA-Z][a-z]*(?:[A-Z][a-z]+)*$/.test(value)
    if (value.length >= 8 && !isWord && !this.#names.has(value)) this.#learn(value)
    return '[string]'
  }

  #learn(secret: string): void {
    const fits = secret.length >= MIN_LEARNED && secret.length <= MAX_LEARNED_LENGTH
    if (!fits || secret === REDACTED || this.#learned.has(secret)) return
    const oldest = this.#learned.values().next().value
    if (this.#learned.size >= MAX_LEARNED && oldest !== undefined) this.#learned.delete(oldest)
    this.#learned.add(secret)
    this.#frozen = new WeakMap()
  }

  #unlearned(text: string): string {
    let shown = text
    for (const secret of this.#learned) if (shown.includes(secret)) shown = shown.replaceAll(secret, REDACTED)
    return shown
  }

  /** Hides secrets that were learned only after a field that quotes them was shown. */
  #scrub(shown: Json): Json {
    if (typeof shown !== 'object' || shown === null || this.#learned.size === 0) return shown
    const text = JSON.stringify(shown)
    for (const secret of this.#learned) {
      if (text.includes(JSON.stringify(secret).slice(1, -1))) return this.#rescrub(shown)
    }
    return shown
  }

  #rescrub(shown: Json): Json {
    if (typeof shown === 'string') return this.#unlearned(shown)
    if (typeof shown !== 'object' || shown === null) return shown
    if (Array.isArray(shown)) return shown.map((item: Json) => this.#rescrub(item))
    return Object.fromEntries(Object.entries(shown).map(([key, item]) => [this.#unlearned(key), this.#rescrub(item)]))
  }
}

export function functionName(value: unknown): string {
  const name = read(() => (value as { name?: unknown }).name, undefined)
  return typeof name === 'string' && name !== '' ? name.slice(0, 100) : 'anonymous'
}

function read<Value>(get: () => Value, otherwise: Value): Value {
  try {
    return get()
  } catch {
    return otherwise
  }
}

/** Sets a field, even one with the name `__proto__`. */
function define(target: Record<string, Json>, key: string, value: Json): void {
  if (key === '__proto__') Object.defineProperty(target, key, { value, enumerable: true, configurable: true })
  else target[key] = value
}

function isContainer(value: unknown): boolean {
  return typeof value === 'object' && value !== null && (Array.isArray(value) || isPlain(value))
}

function isPlain(value: object): boolean {
  const prototype = read(() => Object.getPrototypeOf(value) as object | null, value)
  return prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null
}

function isActorRef(value: object): value is { id: string; sessionId: string } {
  const { id, sessionId, send } = read(() => value as Record<string, unknown>, {})
  return typeof sessionId === 'string' && typeof send === 'function' && typeof id === 'string'
}

function className(value: object): string {
  return read(() => functionName(value.constructor), 'object')
}

function nameOfInstance(value: object): string {
  const bytes = value instanceof ArrayBuffer || ArrayBuffer.isView(value) ? value.byteLength : undefined
  if (bytes !== undefined) return `[${className(value)} ${bytes} bytes]`
  if (value instanceof Map || value instanceof Set) return `[${className(value)} of ${value.size}]`
  return `[${className(value)}]`
}

function showInstance(value: object): string {
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString()
  return nameOfInstance(value)
}
