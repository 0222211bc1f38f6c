import { createMachine, State, type AnyStateMachine } from 'xstate'

/** The messages of `@statelyai/inspect` and xstate-mqtt's visualizer about an XState 5 actor, as far as needed here. */
export interface InspectionMessage {
  readonly type: string
  readonly sessionId: string
  readonly name?: string
  readonly parentId?: string
  readonly sourceId?: string
  readonly definition?: string
  readonly event?: { readonly type: string }
  readonly snapshot?: { readonly status: string; readonly value?: unknown; readonly context?: unknown }
}

/** The messages to a viewer of `@xstate/inspect` 0.8: its type `ReceiverEvent`. */
export type LegacyEvent =
  | {
      readonly type: 'service.register'
      readonly machine: string
      readonly state: string
      readonly id: string
      readonly sessionId: string
      readonly parent?: string
    }
  | { readonly type: 'service.event'; readonly event: string; readonly sessionId: string }
  | { readonly type: 'service.state'; readonly state: string; readonly sessionId: string }
  | { readonly type: 'service.stop'; readonly sessionId: string }

/** A description that distinguishes the translation from the machine that runs. */
export const LABEL = 'Translated from XState 5: guards and actions are only names, and nothing runs here.'

interface Service {
  readonly registration: Extract<LegacyEvent, { type: 'service.register' }>
  readonly machine: AnyStateMachine
}

/** Translates messages about XState 5 machines into messages of `@xstate/inspect` about XState 4 services. */
export class Translator {
  readonly #services = new Map<string, Service>()

  /** The first messages for a new viewer: all services in their current state. */
  get services(): readonly LegacyEvent[] {
    return Array.from(this.#services.values(), ({ registration }) => registration)
  }

  translate(message: InspectionMessage): readonly LegacyEvent[] {
    const { sessionId } = message
    if (message.type === '@xstate.actor') return this.#born(message)
    const service = this.#services.get(sessionId)
    if (!service) return []
    if (message.type === '@xstate.event') {
      return [{ type: 'service.event', event: scxmlEvent(message.event, message.sourceId), sessionId }]
    }
    if (message.type !== '@xstate.snapshot' || !message.snapshot) return []
    if (message.snapshot.status !== 'active') {
      this.#services.delete(sessionId)
      return [{ type: 'service.stop', sessionId }]
    }
    const state = legacyState(service.machine, message)
    this.#services.set(sessionId, { ...service, registration: { ...service.registration, state } })
    return [{ type: 'service.state', state, sessionId }]
  }

  #born(message: InspectionMessage): readonly LegacyEvent[] {
    const { sessionId, name = sessionId, parentId, snapshot } = message
    const config = machineConfig(message.definition)
    if (!config || (snapshot && snapshot.status !== 'active')) return []
    const machine = createMachine(config) as AnyStateMachine
    const registration = {
      type: 'service.register' as const,
      machine: JSON.stringify(config),
      state: legacyState(machine, message),
      id: `${name} (XState 5, translated)`,
      sessionId,
      ...(parentId !== undefined && this.#services.has(parentId) && { parent: parentId }),
    }
    this.#services.set(sessionId, { registration, machine })
    return [registration]
  }
}

/** The state in the form of XState 4, which derives the next events, tags and configuration from the state value. */
function legacyState(machine: AnyStateMachine, { snapshot, event }: InspectionMessage): string {
  const { value, context } = snapshot ?? {}
  const initial = machine.initialState
  const plain = value === undefined ? initial : machine.resolveState(State.from(value as never, context))
  const { history: _, ...shown } = plain.toJSON() as Config
  const _event = JSON.parse(scxmlEvent(event ?? { type: 'xstate.init' }, undefined)) as object
  return JSON.stringify({
    ...shown,
    context,
    event: event ?? { type: 'xstate.init' },
    _event,
    actions: [],
    children: {},
  })
}

function scxmlEvent(event: InspectionMessage['event'], origin: string | undefined): string {
  const { type = '' } = event ?? {}
  return JSON.stringify({ name: type, data: event, $$type: 'scxml', type: 'external', ...(origin && { origin }) })
}

type Config = Readonly<Record<string, unknown>>

/** The config of an XState 5 machine in the form of XState 4; `undefined` if it has no states. */
function machineConfig(definition: string | undefined): Config | undefined {
  const config = definition === undefined ? undefined : (JSON.parse(definition) as Config)
  if (!config?.states) return undefined
  return { ...stateNode(config), description: LABEL, predictableActionArguments: true }
}

function stateNode(node: Config): Config {
  const { on, after, always, onDone, invoke, states, ...same } = node
  return {
    ...same,
    ...(on !== undefined && { on: mapValues(on as Config, transitions) }),
    ...(after !== undefined && { after: mapValues(after as Config, transitions) }),
    ...(always !== undefined && { always: transitions(always) }),
    ...(onDone !== undefined && { onDone: transitions(onDone) }),
    ...(invoke !== undefined && { invoke: list(invoke).map(invocation) }),
    ...(states !== undefined && { states: mapValues(states as Config, (state) => stateNode(state as Config)) }),
  }
}

function invocation(invoked: unknown): Config {
  const { id, src, onDone, onError } = invoked as Config
  return {
    src,
    ...(id !== undefined && { id }),
    ...(onDone !== undefined && { onDone: transitions(onDone) }),
    ...(onError !== undefined && { onError: transitions(onError) }),
  }
}

function transitions(candidates: unknown): unknown {
  return Array.isArray(candidates) ? candidates.map(transition) : transition(candidates)
}

/** In XState 4, `guard` is called `cond`, and `internal` is the opposite of `reenter`. */
function transition(candidate: unknown): unknown {
  if (typeof candidate !== 'object' || candidate === null) return candidate
  const { guard, reenter, ...same } = candidate as Config
  const name = typeof guard === 'object' && guard !== null ? (guard as Config).type : guard
  return {
    ...same,
    ...(name !== undefined && { cond: name }),
    ...(same.target !== undefined && { internal: reenter !== true }),
  }
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value]
}

function mapValues(value: Config, map: (member: unknown) => unknown): Config {
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, map(member)]))
}
