import type { Transport } from '../peers/peer.ts'
import type { Metrics } from '../work/index.ts'

/** The contenders of a row: clients, a loop that an app would write by hand, and what stores publishes on disk. */
export const CONTENDERS = [
  'ours',
  'mqttjs',
  'aws-crt',
  'loop',
  'classic-level',
  'mqtt-level-store',
  'mqtt-jsonl-store',
] as const
export type Contender = (typeof CONTENDERS)[number]

export interface MetricRule {
  readonly unit: string
  readonly better: 'more' | 'less'
  /** The target for ours ÷ theirs: a minimum if more is better, otherwise a maximum. */
  readonly ratio?: number
  /** Whose figure the target refers to. @default 'mqttjs' */
  readonly against?: Contender
  /** The maximum for ours, independent of the others. */
  readonly atMost?: number
}

/** One line of the table: the same task for all contenders. */
export interface Case {
  /** Empty if the row has a single case. */
  readonly name: string
  readonly contenders: readonly Contender[]
  readonly measure: (contender: Contender, context: BenchContext) => Promise<Metrics>
  /** Whether it is only measured with `--full`. Such a case has no target. */
  readonly full?: boolean
  /** The reason why this machine cannot measure it, and what would help. */
  readonly missing?: () => string | undefined
}

export interface Row {
  readonly what: string
  readonly metrics: Readonly<Record<string, MetricRule>>
  readonly cases: readonly Case[]
  /** The maximum number of rounds, if this row needs fewer than others. */
  readonly rounds?: number
  /** Whether another page than docs/performance.md has its figures, which change with each commit. */
  readonly isElsewhere?: boolean
}

export interface BenchContext {
  readonly quick: boolean
  /** The port of a broker that runs all the time. */
  readonly port: number
  /** The ports of the server for the rows that measure a client alone. */
  readonly serverPorts: Readonly<Record<Transport, number>>
}

export const allClients = ['ours', 'mqttjs', 'aws-crt'] as const
export const ourselvesAndRaw = ['ours', 'mqttjs'] as const
