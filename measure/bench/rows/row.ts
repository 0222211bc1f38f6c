import type { Transport } from '../peers/peer.ts'
import type { Metrics } from '../work/index.ts'

/** The contenders of a row: the clients, and the loop that an app would write by hand. */
export const CONTENDERS = ['ours', 'mqttjs', 'aws-crt', 'loop'] as const
export type Contender = (typeof CONTENDERS)[number]

export interface MetricRule {
  readonly unit: string
  readonly better: 'more' | 'less'
  /** The target for ours ÷ raw MQTT.js: a minimum if more is better, otherwise a maximum. */
  readonly ratio?: number
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
}

export interface Row {
  readonly what: string
  readonly metrics: Readonly<Record<string, MetricRule>>
  readonly cases: readonly Case[]
  /** The maximum number of rounds, if this row needs fewer than others. */
  readonly rounds?: number
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
