import type { Step } from './environment.ts'
import { nameOf, type State } from './runner.ts'

/** A step that leads from a state to another one, by its number. */
export interface Edge {
  readonly step: Step
  readonly to: number
  /** Whether it starts an attempt, or asks for credentials. */
  readonly starts: boolean
}

/** All states that can be reached, and all steps between them. */
export interface Graph {
  readonly states: readonly State[]
  readonly edges: readonly (readonly Edge[])[]
  /** Returns the shortest way from the start to a state. */
  pathTo(state: number): readonly Visit[]
}

/** A step, and the name of the state into which it leads. */
export interface Visit {
  readonly label: string
  readonly state: string
}

export interface Violation {
  readonly property: string
  /** What is wrong. */
  readonly detail: string
  /** The steps from the start to the violation. The way to its first wrong state is the shortest. */
  readonly path: readonly Visit[]
  /** The last state. */
  readonly state: State
}

/** Returns the violation in words, with the steps that lead to it. */
export function describe({ property, detail, path }: Violation): string {
  const steps = path.map(({ label, state }, n) => `  ${n + 1}. ${label} → ${state}`)
  return [`Violated: ${property}`, `  ${detail}`, ...steps].join('\n')
}

export function pathBetween({ states }: Graph, edges: readonly Edge[]): Visit[] {
  return edges.map(({ step: { label }, to }) => ({ label, state: nameOf((states[to] as State).snapshot) }))
}
