import { parseArgs } from 'node:util'

import { atLeastOne, someOf, writable } from '../lab/command-line.ts'
import { rows } from './rows.ts'

export const USAGE = `npm run bench -- [--rows throughput.qos0,latency.qos1] [--rounds 5] [--json FILE] [--quick]

Measures this library, raw MQTT.js and aws-crt in turn within each round. aws-crt takes part after npm ci in measure/bench/.
Exits with 1 if a figure is missing, but not because a figure is bad, and with 2 if an option is wrong. --quick only tests
the benchmark: its figures mean nothing.

Rows: ${Object.keys(rows).join(' ')}`

export interface BenchOptions {
  readonly names: readonly string[]
  /** The maximum; some rows need fewer rounds. */
  readonly rounds: number
  readonly quick: boolean
  readonly json?: string
}

/** @throws {InvalidOptionError} */
export function benchOptions(args: string[]): BenchOptions {
  const { values } = parseArgs({
    args,
    options: {
      rows: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
    },
  })
  const all = Object.keys(rows)
  return {
    names: values.rows === undefined ? all : someOf('rows', values.rows, all),
    rounds: atLeastOne('rounds', values.rounds),
    quick: values.quick,
    ...(values.json !== undefined && { json: writable('json', values.json) }),
  }
}
