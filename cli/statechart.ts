import type { AnyStateMachine, AnyStateNode, AnyTransitionDefinition } from 'xstate'

export interface ChartState {
  /** Its path, such as `connected.ready`. */
  readonly id: string
  readonly name: string
  readonly parent: string | null
  readonly description: string
  readonly tags: readonly string[]
  /** Whether its parent begins with it. */
  readonly initial: boolean
}

export interface ChartTransition {
  /** `null` for the machine itself: from every state that does not say otherwise. */
  readonly source: string | null
  /** As XState calls it, such as `xstate.after.reconnectDelay.reconnecting`; `''` if it is immediate. */
  readonly event: string
  /** In words, such as `after reconnectDelay`. */
  readonly label: string
  readonly guard: string | null
  /** `null` if it stays where it is: it only acts, or forbids. */
  readonly target: string | null
  readonly actions: readonly string[]
}

export interface Chart {
  readonly id: string
  readonly states: readonly ChartState[]
  /** In document order. Of those with one source and event the first whose guard holds is taken. */
  readonly transitions: readonly ChartTransition[]
}

/** The end of a label: an actor that is not the state's own threw. */
export const CRASHED = 'crashed'

/** A machine as plain data: what is drawn, and what tools can read. */
export function chartOf(machine: AnyStateMachine): Chart {
  const nodes = descendants(machine.root)
  return {
    id: machine.id,
    states: nodes.map(stateOf),
    transitions: [machine.root, ...nodes].flatMap((node) =>
      [...[...node.transitions.values()].flat(), ...(node.always ?? [])].map((each) => transitionOf(node, each)),
    ),
  }
}

function descendants(node: AnyStateNode): AnyStateNode[] {
  return Object.values(node.states).flatMap((child) => [child, ...descendants(child)])
}

function stateOf(node: AnyStateNode): ChartState {
  const { parent } = node
  return {
    id: pathOf(node),
    name: node.key,
    parent: parent?.parent ? pathOf(parent) : null,
    description: node.description ?? '',
    tags: node.tags,
    initial: parent?.initial.target.includes(node) ?? false,
  }
}

function transitionOf(
  node: AnyStateNode,
  { eventType, guard, target, actions }: AnyTransitionDefinition,
): ChartTransition {
  return {
    source: node.parent ? pathOf(node) : null,
    event: eventType,
    label: labelOf(eventType, node),
    guard: guard === undefined ? null : nameOf(guard),
    target: target?.[0] ? pathOf(target[0]) : null,
    actions: actions.map(nameOf),
  }
}

/** XState's names for what is no event of ours, in words. */
function labelOf(event: string, { invoke }: AnyStateNode): string {
  const [prefix, kind, ...rest] = event.split('.')
  if (prefix !== 'xstate') return event
  if (kind === 'after') return rest[0] === '0' ? 'at once' : `after ${rest[0]}`
  const actor = rest.slice(1).join('.')
  const own = invoke.find(({ id }) => id === actor)
  if (own) return `${nameOf(own.src)} ${kind === 'done' ? 'done' : 'failed'}`
  return `${actor === '*' ? 'any actor' : actor} ${kind === 'done' ? 'done' : CRASHED}`
}

function nameOf(named: unknown): string {
  if (typeof named === 'string') return named
  return (named as { type?: string }).type ?? 'a function'
}

function pathOf(node: AnyStateNode): string {
  return node.path.join('.')
}
