import { parseArgs } from 'node:util'

import { atLeastOne, someOf, writable } from '../lab/command-line.ts'
import { rows } from './rows/index.ts'
import { CONTENDERS, type Contender } from './rows/row.ts'

const names = Object.keys(rows)
const groups = [...new Set(names.map(groupOf))]

export const USAGE = `npm run bench -- [--rows send,latency.qos1] [--contenders ours,mqttjs] [--rounds 5] [--json FILE] [--full] [--quick]

Measures this library, raw MQTT.js and others in turn within each round. aws-crt takes part after npm ci in measure/bench/.
Exits with 1 if a figure is missing, but not because a figure is bad, and with 2 if an option is wrong. --full adds the
other sizes of payloads and numbers of connections. --quick only tests the benchmark: its figures mean nothing.

Groups of rows: ${groups.join(' ')}
Rows: ${names.join(' ')}
Contenders: ${CONTENDERS.join(' ')}`

export interface BenchOptions {
  readonly names: readonly string[]
  readonly contenders: readonly Contender[]
  /** The maximum; some rows need fewer rounds. */
  readonly rounds: number
  /** Whether the other sizes and numbers are measured, too. */
  readonly full: boolean
  readonly quick: boolean
  readonly json?: string
}

/** @throws {InvalidOptionError} */
export function benchOptions(args: string[]): BenchOptions {
  const { values } = parseArgs({
    args,
    options: {
      rows: { type: 'string' },
      contenders: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      json: { type: 'string' },
      full: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
    },
  })
  return {
    names: values.rows === undefined ? names : rowsOf(values.rows),
    contenders: values.contenders === undefined ? CONTENDERS : someOf('contenders', values.contenders, CONTENDERS),
    rounds: atLeastOne('rounds', values.rounds),
    full: values.full,
    quick: values.quick,
    ...(values.json !== undefined && { json: writable('json', values.json) }),
  }
}

/** Reads names of rows and of groups. */
function rowsOf(value: string): string[] {
  const wanted = someOf('rows', value, [...groups, ...names])
  return names.filter((name) => wanted.includes(name) || wanted.includes(groupOf(name)))
}

/** The name up to the dot. */
function groupOf(name: string): string {
  return name.split('.', 1)[0] ?? name
}
