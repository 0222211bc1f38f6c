import type { AnyActorRef, AnyMachineSnapshot } from 'xstate'

import { Timers } from '../../src/shared/pending-timers.ts'
import { commandEvents, type ActorMessage, type Command, type ShownSnapshot } from '../protocol.ts'
import { isObject } from '../shared/json.ts'
import { definitionOf } from './definition.ts'
import type { Redactor } from './redact.ts'
import { sessionIdOf } from './session-id.ts'

type Kind = NonNullable<ActorMessage['kind']>

const commands = Object.keys(commandEvents) as Command[]

/** The parts of a snapshot that are kept until they are shown. The whole snapshot would keep stopped actors in memory. */
export interface KeptSnapshot {
  readonly status: ShownSnapshot['status']
  readonly value?: unknown
  readonly context?: unknown
  readonly tags?: ReadonlySet<string>
  readonly children?: ShownSnapshot['children']
  /** The output and the error are redacted at once: if they are secrets, they must be recognized from now on. */
  readonly output?: ShownSnapshot['output']
  readonly error?: ShownSnapshot['error']
}

/** The recorder's knowledge of one actor of this process. */
export class InspectedActor {
  readonly sessionId: string
  readonly rootId: string
  readonly parentId: string | undefined
  readonly name: string
  readonly kind: Kind
  readonly bornAt = Date.now()
  readonly timers = new Timers()
  readonly commands: readonly Command[]
  /** The same for actors that replace each other, such as the transports of one connection. */
  readonly group: string
  /** Whether it is a root or a connection. People look at these first, so more of their history is kept. */
  readonly main: boolean
  /** Whether a transition led to a state since the last snapshot. */
  moved = false
  readonly #ref: WeakRef<AnyActorRef>
  readonly #config: object | undefined
  #children: object | undefined
  #keptChildren: ShownSnapshot['children']
  last: KeptSnapshot = { status: 'active' }

  constructor(ref: AnyActorRef, rootId: string, allowCommands: boolean) {
    const logic = logicOf(ref)
    const config = typeof logic.config === 'object' ? logic.config : undefined
    const { id } = config ?? {}
    this.#ref = new WeakRef(ref)
    this.sessionId = sessionIdOf(ref)
    this.rootId = sessionIdOf(ref, rootId)
    this.parentId = ref._parent && sessionIdOf(ref._parent)
    this.name = ref.id === ref.sessionId && typeof id === 'string' ? id : ref.id
    this.group = `${this.rootId}/${this.name}`
    this.kind = kindOf(logic)
    this.#config = this.kind === 'machine' ? config : undefined
    const connection = takesCommands(logic)
    this.commands = allowCommands && connection ? commands : []
    this.main = this.parentId === undefined || connection
  }

  get ref(): AnyActorRef | undefined {
    return this.#ref.deref()
  }

  definition(redactor: Redactor): string {
    if (!this.#config) return JSON.stringify({ id: redactor.text(this.name) })
    const known = definitions.get(this.#config)
    if (known !== undefined) return known
    const definition = definitionOf(this.#config) ?? '{}'
    definitions.set(this.#config, definition)
    return definition
  }

  /** @param stopped - whether the actor has stopped: the snapshots of some logic do not say so */
  keep(snapshot: unknown, redactor: Redactor, stopped: boolean): KeptSnapshot {
    const { status, value, context, tags, children, output, error } = snapshot as Partial<AnyMachineSnapshot>
    this.last = {
      status: stopped && status === 'active' ? 'stopped' : (status ?? 'active'),
      ...(value !== undefined && { value }),
      ...(context !== undefined && { context }),
      ...(tags instanceof Set && { tags }),
      ...(isObject(children) && { children: this.#keepChildren(children) }),
      ...(output !== undefined && { output: redactor.shape(output) }),
      ...(error !== undefined && error !== null && { error: redactor.error(error) }),
    }
    return this.last
  }

  /** The commands that the machine would accept now. Only guards run to find out. */
  accepts(snapshot: unknown): readonly Command[] | undefined {
    if (this.commands.length === 0) return undefined
    return this.commands.filter((command) => accepts(snapshot, command))
  }

  show(kept: KeptSnapshot, redactor: Redactor): ShownSnapshot {
    const { status, value, context, tags, children, output, error } = kept
    // For other kinds of logic, the context may be the last value of an observable, which could be a secret.
    const open = this.kind === 'machine' || this.kind === 'transition'
    return {
      status,
      ...(value !== undefined && { value: redactor.state(value) }),
      ...(context !== undefined && { context: open ? redactor.show(context) : redactor.shape(context) }),
      ...(tags && { tags: Array.from(tags, (tag) => redactor.text(tag)) }),
      ...(children && { children: showChildren(children, redactor) }),
      ...(output !== undefined && { output }),
      ...(error !== undefined && { error }),
    }
  }

  /** Cached, because children rarely change. When they do, XState makes a new object. */
  #keepChildren(children: Readonly<Record<string, unknown>>): NonNullable<ShownSnapshot['children']> {
    if (children !== this.#children || !this.#keptChildren) {
      this.#children = children
      const entries = Object.entries(children as Record<string, AnyActorRef | undefined>).slice(0, MAX_CHILDREN)
      this.#keptChildren = Object.fromEntries(
        entries.flatMap(([id, ref]) => (ref ? [[id, { id: ref.id, sessionId: sessionIdOf(ref) }]] : [])),
      )
    }
    return this.#keptChildren
  }
}

/** Redacts the ids of children, which may contain addresses. */
function showChildren(
  children: NonNullable<ShownSnapshot['children']>,
  redactor: Redactor,
): NonNullable<ShownSnapshot['children']> {
  const shown = Object.entries(children).map(([key, child]) => [
    redactor.text(key),
    { ...child, id: redactor.text(child.id) },
  ])
  return Object.fromEntries(shown) as NonNullable<ShownSnapshot['children']>
}

/** Whether the machine would do anything with the command in this state. */
export function accepts(snapshot: unknown, command: Command): boolean {
  const { status, can } = snapshot as Partial<AnyMachineSnapshot>
  if (status !== 'active' || typeof can !== 'function') return false
  try {
    return (snapshot as AnyMachineSnapshot).can({ type: commandEvents[command] })
  } catch {
    return false
  }
}

const MAX_CHILDREN = 200
const definitions = new WeakMap<object, string>()

interface Logic {
  readonly config?: ({ readonly id?: unknown } & object) | ((...args: never[]) => unknown)
  readonly events?: readonly string[]
  readonly implementations?: unknown
  readonly start?: unknown
}

function logicOf(ref: AnyActorRef): Logic {
  return (ref as { logic?: Logic }).logic ?? {}
}

function kindOf(logic: Logic): Kind {
  if (isObject(logic.config) && logic.implementations !== undefined) return 'machine'
  return typeof logic.config === 'function' && logic.start === undefined ? 'transition' : 'other'
}

/** Whether it is a connection machine, which handles all commands. */
function takesCommands({ events }: Logic): boolean {
  return Array.isArray(events) && Object.values(commandEvents).every((type) => events.includes(type))
}
