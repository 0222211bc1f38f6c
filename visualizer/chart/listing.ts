import type { AnyStateMachine } from 'xstate'

import { isObject, list, type Fields } from '../shared/json.ts'
import { initialOf, invokeId, name, readDefinition, text, type StateDefinition } from './definition.ts'

/** A machine as plain data, for tools: `xstate-mqtt diagram --format json`. States are named by their paths. */
export interface Listing {
  readonly id: string
  readonly states: readonly ListedState[]
  /** In XState's order. Of those with the same source and event, the first whose guard holds is taken. */
  readonly transitions: readonly ListedTransition[]
}

export interface ListedState {
  /** Its path, such as `connected.ready`. */
  readonly id: string
  readonly name: string
  readonly parent: string | null
  readonly description: string
  readonly tags: readonly string[]
  /** Whether it is the initial state of its parent. */
  readonly initial: boolean
}

export interface ListedTransition {
  /** `null` for the root: it applies in each state that does not handle the event itself. */
  readonly source: string | null
  /** XState's name, such as `xstate.after.reconnectDelay.reconnecting`; `''` for an eventless transition. */
  readonly event: string
  /** In words, such as `after reconnectDelay`. */
  readonly label: string
  readonly guard: string | null
  /** `null` if the state does not change: the transition only runs actions, or forbids the event. */
  readonly target: string | null
  readonly actions: readonly string[]
}

/** The last word of the label for an actor that failed and that the state did not invoke. */
export const CRASHED = 'crashed'

/** @throws {Error} if the machine has too many states */
export function listingOf(machine: AnyStateMachine): Listing {
  // Through JSON, so that only data is left: the reader expects what another process would send.
  const definition = readDefinition(JSON.parse(JSON.stringify(machine.config)) as Fields)
  if (!definition) throw new Error(`${machine.id} has too many states to list them`)
  const byId = new Map(definition.states.map((state) => [state.id, state]))
  const pathById = (id: string) => {
    const state = byId.get(id)
    return state ? pathOf(state) : null
  }
  return {
    id: machine.id,
    states: definition.states.map(stateOf),
    transitions: definition.reactions.flatMap(({ source, event, candidates }) =>
      candidates.map(({ guard, targets, actions }) => ({
        source: pathById(source),
        event,
        label: labelOf(event, byId.get(source)),
        guard,
        target: targets[0] === undefined ? null : pathById(targets[0]),
        actions,
      })),
    ),
  }
}

function stateOf(state: StateDefinition): ListedState {
  const { key, raw, parent } = state
  return {
    id: pathOf(state),
    name: key,
    parent: parent?.parent ? pathOf(parent) : null,
    description: text(raw.description),
    tags: list(raw.tags).map(text),
    initial: parent !== null && initialOf(parent) === key,
  }
}

/** An event in words. An actor that the state invoked has `failed`; any other actor has `crashed`. */
function labelOf(event: string, state: StateDefinition | undefined): string {
  const [prefix, kind, ...rest] = event.split('.')
  if (prefix !== 'xstate') return event
  if (kind === 'after') return rest[0] === '0' ? 'at once' : `after ${rest[0]}`
  const actor = rest.slice(1).join('.')
  const own =
    state &&
    list(state.raw.invoke).find((invoke, index) => isObject(invoke) && invokeId(state, invoke, index) === actor)
  if (isObject(own)) return `${name(own.src)} ${kind === 'done' ? 'done' : 'failed'}`
  return `${actor === '*' ? 'any actor' : actor} ${kind === 'done' ? 'done' : CRASHED}`
}

/** The keys on the way to a state, without the machine's. */
function pathOf({ key, parent }: StateDefinition): string {
  return parent?.parent ? `${pathOf(parent)}.${key}` : key
}
