import { parseArgs } from 'node:util'

import { InvalidOptionError } from '../../src/api/errors.ts'
import { atLeastOne, someOf, writable } from '../lab/command-line.ts'
import { policies } from './policies.ts'
import type { StormOptions } from './simulate.ts'

export const USAGE = `npm run storm -- [--clients 10000] [--outage 10m] [--policy all] [--capacity N] [--backlog N] [--seed 1] [--json FILE] [--svg FILE]

Simulates how a fleet reconnects to a broker after an outage, with the real machines in simulated time. Exits with 1 if a
figure is missing, but not because a figure is bad, and with 2 if an option is wrong.

--policy    ${Object.keys(policies).join(', ')}; several separated by commas, or all
--outage    such as 90s, 10m or 2h
--capacity  how many connections per second the broker can accept; default: a hundredth of the clients
--backlog   how many attempts may wait at the broker; default: as many as it can accept in 20 s`

export interface StormRun {
  readonly storm: StormOptions
  /** Names of policies. */
  readonly names: readonly string[]
  readonly json?: string
  readonly svg?: string
}

/** @throws {InvalidOptionError} */
export function stormOptions(args: string[]): StormRun {
  const { values } = parseArgs({
    args,
    options: {
      clients: { type: 'string', default: '10000' },
      outage: { type: 'string', default: '10m' },
      policy: { type: 'string', default: 'all' },
      capacity: { type: 'string' },
      backlog: { type: 'string' },
      seed: { type: 'string', default: '1' },
      json: { type: 'string' },
      svg: { type: 'string' },
    },
  })
  const clients = atLeastOne('clients', values.clients)
  const capacity = atLeastOne('capacity', values.capacity ?? String(Math.max(10, Math.ceil(clients / 100))))
  const backlog = atLeastOne('backlog', values.backlog ?? String(capacity * 20))
  const all = Object.keys(policies)
  return {
    storm: { clients, outage: duration(values.outage), capacity, backlog, seed: atLeastOne('seed', values.seed) },
    names: values.policy === 'all' ? all : someOf('policy', values.policy, all),
    ...(values.json !== undefined && { json: writable('json', values.json) }),
    ...(values.svg !== undefined && { svg: writable('svg', values.svg) }),
  }
}

/** Parses a duration. The result is in milliseconds, but the simulation needs whole seconds. */
function duration(value: string): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(value) ?? []
  const ms = Number(number) * { s: 1_000, m: 60_000, h: 3_600_000 }[unit as 's' | 'm' | 'h']
  if (ms >= 1_000 && ms % 1_000 === 0) return ms
  throw new InvalidOptionError(
    '--outage',
    'must be at least one second, in whole seconds, such as 90s, 10m or 2h',
    value,
  )
}
