import { parseArgs } from 'node:util'

import { atLeastOne, someOf, writable } from '../lab/command-line.ts'
import { rows } from './rows.ts'

export const USAGE = `npm run bench -- [--rows throughput.qos0,latency.qos1] [--rounds 5] [--json FILE] [--quick]

Measures ours against raw MQTT.js and aws-crt, in turn within each round. aws-crt takes part after npm ci in measure/bench/.
Exits 1 if a figure is missing, and never because of what a figure is. --quick is for that: its figures mean nothing.
Exits 2 if an option is wrong.

Rows: ${Object.keys(rows).join(' ')}`

export interface BenchOptions {
  readonly names: readonly string[]
  /** At most: for some rows fewer are enough. */
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
