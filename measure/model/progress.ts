import { pathBetween, type Edge, type Graph, type Violation } from './graph.ts'
import { restsForGood } from './properties.ts'
import { nameOf, type State } from './runner.ts'

/** What holds for the ways through the graph. */
export interface Progress {
  readonly name: string
  /** From how many states it was checked. */
  readonly checked: number
  readonly violation?: Violation
}

type Check = (graph: Graph) => Omit<Progress, 'name'>

const checks: Readonly<Record<string, Check>> = {
  'from each state in which a connection is wanted, `connected.ready` is reached without a command if the world behaves':
    (graph) => {
      const reaches = reachesReady(graph)
      return every(graph, wanted, (state) => reaches(state))
    },
  'from each resting state, `connected.ready` is reached after `CONNECT` or `RETRY` if the world behaves': (graph) => {
    const reaches = reachesReady(graph)
    return every(graph, rests, (state) => {
      const label = graph.states[state]?.snapshot.matches('failed') ? 'RETRY' : 'CONNECT'
      const next = edge(graph, state, (each) => each.step.label === label)
      return next === undefined ? [] : prepended(next, reaches(next.to))
    })
  },
  'each state that is neither resting nor ready is left without a command': (graph) =>
    every(
      graph,
      (state) => wanted(state) && !state.snapshot.hasTag('ready'),
      (state) => (edge(graph, state, ({ step, to }) => to !== state && isWorld(step.by)) ? true : []),
    ),
  '`DISCONNECT` leads to `disconnected` or `idle`, by a timer at the latest': (graph) =>
    every(
      graph,
      () => true,
      (state) => {
        const first = edge(graph, state, ({ step }) => step.label === 'DISCONNECT')
        if (first === undefined) return []
        if (isDisconnected(graph, first.to)) return true
        if (!graph.states[first.to]?.snapshot.matches('disconnecting')) return [first]
        const second = edge(graph, first.to, ({ step }) => step.by === 'timer')
        if (second === undefined) return [first]
        return isDisconnected(graph, second.to) || [first, second]
      },
    ),
  'without a proof that a connection works, attempts end: no loop leads back to the same state': attemptsEnd,
}

/** The names of all properties of the ways. */
export const progressNames: readonly string[] = Object.keys(checks)

/** Checks the properties of the ways, which need the whole graph. */
export function progressOf(graph: Graph): Progress[] {
  return Object.entries(checks).map(([name, check]) => {
    const { checked, violation } = check(graph)
    return { name, checked, ...(violation && { violation: { ...violation, property: name } }) }
  })
}

/** `true`, or the steps that lead to nowhere, or in a circle. */
type Way = true | readonly Edge[]

function every(
  graph: Graph,
  concerns: (state: State) => boolean,
  check: (state: number) => Way,
): Omit<Progress, 'name'> {
  let checked = 0
  for (const [number, state] of graph.states.entries()) {
    if (!concerns(state)) continue
    checked++
    const way = check(number)
    if (way !== true) return { checked, violation: astray(graph, number, way) }
  }
  return { checked }
}

function astray(graph: Graph, from: number, way: readonly Edge[]): Violation {
  const last = graph.states[way.at(-1)?.to ?? from] as State
  const detail = `it ends in ${nameOf(last.snapshot)}`
  return { property: '', detail, path: [...graph.pathTo(from), ...pathBetween(graph, way)], state: last }
}

/** Returns a function that follows the answers that are hoped for, or else the timers, until messages flow. */
function reachesReady(graph: Graph): (state: number) => Way {
  const reached = new Set<number>()
  return (start) => {
    const way: Edge[] = []
    const seen = new Set<number>()
    for (let state = start; ;) {
      if (reached.has(state) || graph.states[state]?.snapshot.matches({ connected: 'ready' })) break
      if (seen.has(state)) return way
      seen.add(state)
      const moves = (each: Edge) => each.to !== state
      const next =
        edge(graph, state, (each) => each.step.behaves === true && moves(each)) ??
        edge(graph, state, (each) => each.step.by === 'timer' && moves(each))
      if (next === undefined) return way
      way.push(next)
      state = next.to
    }
    for (const state of seen) reached.add(state)
    return true
  }
}

/**
 * Looks for a loop of attempts that all fail. Planned renewals of an open connection are no attempts, and go on for ever. It is
 * a depth-first search: an edge to a state that is on the way already closes a loop.
 */
function attemptsEnd(graph: Graph): Omit<Progress, 'name'> {
  const done = new Set<number>()
  const loops = (start: number, loop: readonly Edge[]) => {
    const violation = { ...astray(graph, start, loop), detail: 'the last steps are a loop' }
    return { checked: done.size, violation }
  }
  const follows = (state: number) =>
    (graph.edges[state] ?? []).filter(({ step, to, starts }) => {
      if (!isWorld(step.by) || step.proves) return false
      if (step.by === 'timer' && graph.states[state]?.snapshot.matches({ connected: 'ready' })) return false
      return to !== state || starts
    })
  // The shortest loops first.
  for (const start of graph.states.keys()) {
    const repeated = follows(start).find(({ to }) => to === start)
    if (repeated) return loops(start, [repeated])
  }
  for (const start of graph.states.keys()) {
    const way: { readonly state: number; readonly edges: readonly Edge[]; next: number }[] = []
    const on = new Set<number>()
    const enter = (state: number) => {
      on.add(state)
      way.push({ state, edges: follows(state), next: 0 })
    }
    if (!done.has(start)) enter(start)
    for (let top = way.at(-1); top; top = way.at(-1)) {
      const next = top.edges[top.next++]
      if (next === undefined) {
        done.add(top.state)
        on.delete(top.state)
        way.pop()
      } else if (on.has(next.to)) {
        const from = way.findIndex(({ state }) => state === next.to)
        return loops(
          next.to,
          way.slice(from).map((each) => each.edges[each.next - 1] as Edge),
        )
      } else if (!done.has(next.to)) enter(next.to)
    }
  }
  return { checked: done.size }
}

function edge({ edges }: Graph, from: number, matches: (edge: Edge) => boolean): Edge | undefined {
  return edges[from]?.find(matches)
}

function prepended(first: Edge, rest: Way): Way {
  return rest === true ? true : [first, ...rest]
}

/** The machine is to be connected: neither the application nor a failure for good says otherwise. */
function wanted(state: State): boolean {
  return !rests(state) && !state.snapshot.matches('disconnecting')
}

function rests({ snapshot }: State): boolean {
  return snapshot.matches('idle') || snapshot.matches('disconnected') || restsForGood(snapshot)
}

function isDisconnected({ states }: Graph, state: number): boolean {
  const snapshot = states[state]?.snapshot
  return snapshot?.matches('idle') === true || snapshot?.matches('disconnected') === true
}

function isWorld(by: Edge['step']['by']): boolean {
  return by === 'actor' || by === 'timer'
}
