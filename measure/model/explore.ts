import { canonical, keyOf } from './canonical.ts'
import { stepsFrom, unknownEvents, type Step } from './environment.ts'
import type { Edge, Graph, Violation, Visit } from './graph.ts'
import type { Model } from './models.ts'
import { progressOf } from './progress.ts'
import { NEVER_THROWS, properties } from './properties.ts'
import { nameOf, runner, type Machine, type State, type Taken } from './runner.ts'

/** What an exploration found. */
export interface Exploration {
  readonly states: number
  readonly steps: number
  /** How often each property was checked. */
  readonly checked: ReadonlyMap<string, number>
  /** The first violation, with which the exploration ends. */
  readonly violation?: Violation
}

/** Some times more than the models have. If there are more, a property of the context grows without end. */
const MOST_STATES = 200_000

/**
 * Goes through all states that the machine can reach, in the order of their distance, and checks the properties.
 *
 * @param most - how many states the machine may have
 * @throws if it has more, or if the machine accepts an event that the model does not know
 */
export function explore(machine: Machine, model: Model, most = MOST_STATES): Exploration {
  const unknown = unknownEvents(machine.events)
  if (unknown.length > 0) {
    throw new Error(
      `The model never sends ${unknown.join(', ')}: say in measure/model/environment.ts when it can happen`,
    )
  }
  const checked = new Map<string, number>()
  const { graph, steps, violation } = visitAll(machine, model, most, checked)
  const found = { states: graph.states.length, steps, checked }
  if (violation) return { ...found, violation }
  checked.set(NEVER_THROWS, steps)
  const progress = progressOf(graph)
  for (const { name, checked: times } of progress) checked.set(name, times)
  const stuck = progress.find((each) => each.violation !== undefined)?.violation
  return { ...found, ...(stuck && { violation: stuck }) }
}

interface Visited {
  readonly graph: Graph
  readonly steps: number
  readonly violation?: Violation
}

function visitAll(
  machine: Machine,
  { input, without = [] }: Model,
  most: number,
  checked: Map<string, number>,
): Visited {
  const run = runner(machine, input)
  const states: State[] = []
  const edges: Edge[][] = []
  const numbers = new Map<string, number>()
  const cameFrom: ({ readonly state: number; readonly step: Step } | undefined)[] = []
  let steps = 0

  function pathTo(state: number): Visit[] {
    const path: Visit[] = []
    let to = state
    for (let from = cameFrom[to]; from; from = cameFrom[to]) {
      path.push({ label: from.step.label, state: nameOf((states[to] as State).snapshot) })
      to = from.state
    }
    return path.toReversed()
  }

  function add(taken: Taken, from?: { readonly state: number; readonly step: Step }): number {
    const state: State = { snapshot: canonical(taken.snapshot), world: taken.world }
    const key = keyOf(state)
    const known = numbers.get(key)
    if (known !== undefined) return known
    if (states.length === most) throw new Error(growing(states))
    numbers.set(key, states.length)
    cameFrom.push(from)
    edges.push([])
    return states.push(state) - 1
  }

  function violated(taken: Taken, before?: State): Omit<Violation, 'path'> | undefined {
    for (const { name, check } of properties) {
      const result = check(taken, before)
      if (result === undefined) continue
      checked.set(name, (checked.get(name) ?? 0) + 1)
      if (result !== true) return { property: name, detail: result, state: taken }
    }
    return undefined
  }

  const graph: Graph = { states, edges, pathTo }
  const wrong = violated(run.start)
  if (wrong) return { graph, steps, violation: { ...wrong, path: [] } }
  add(run.start)
  for (let from = 0; from < states.length; from++) {
    const before = states[from] as State
    for (const step of stepsFrom(before.world, before.snapshot.context)) {
      if (without.includes(step.label)) continue
      steps++
      const path = (last: State): Visit[] => [...pathTo(from), { label: step.label, state: nameOf(last.snapshot) }]
      let taken: Taken
      try {
        taken = run.take(before, step)
      } catch (error) {
        const violation = { property: NEVER_THROWS, detail: String(error), path: path(before), state: before }
        return { graph, steps, violation }
      }
      if (taken.snapshot.context === before.snapshot.context && taken.world === before.world) {
        edges[from]?.push({ step, to: from, starts: false })
        continue
      }
      // A restored machine starts anew, and tells again that it gave up.
      const violation = violated(taken, step.by === 'restart' ? undefined : before)
      if (violation) return { graph, steps, violation: { ...violation, path: path(taken) } }
      const starts = taken.started.some((id) => id === 'transport' || id === 'refresh')
      edges[from]?.push({ step, to: add(taken, { state: from, step }), starts })
    }
  }
  return { graph, steps }
}

/** Names the property of the context that has the most values. */
function growing(states: readonly State[]): string {
  const values = new Map<string, Set<string>>()
  for (const { snapshot } of states) {
    for (const [name, value] of Object.entries(snapshot.context)) {
      const seen = values.get(name) ?? new Set()
      values.set(name, seen.add(JSON.stringify(value)))
    }
  }
  const most = [...values].toSorted(([, a], [, b]) => b.size - a.size)[0]
  return `More than ${states.length} states: '${most?.[0]}' in the context has ${most?.[1].size} values. Bound it in measure/model/canonical.ts`
}
