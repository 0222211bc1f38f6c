import { parseArgs } from 'node:util'

import { InvalidOptionError } from '../../src/api/errors.ts'
import { atLeastOne, oneOf, positive, someOf, writable } from '../lab/command-line.ts'
import type { ClientKind } from './clients/client.ts'
import { faults } from './faults.ts'

export const USAGE = `npm run chaos -- [--seconds 120] [--seed 1] [--protocol 5] [--client ours] [--faults a,b] [--record FILE] [--json FILE]

Runs publishers and subscribers of all QoS on a real mosquitto, with random faults from the seed. Exits with 1 if an
accepted message was lost, arrived out of order or never settled; if a QoS 2 message arrived twice while the broker kept
its session; if a client held two sockets, leaked handles, did not recover, refused a message or accepted none; if the
recording of a client does not replay to the same states; or if no fault occurred. Exits with 2 if an option is wrong.

--protocol  4 for MQTT 3.1.1, 5 for MQTT 5
--client    ours, or mqttjs: raw MQTT.js with its own reconnect, for comparison
--record    keeps the recordings of our clients, for npx xstate-mqtt replay
--faults    ${Object.keys(faults).join(', ')}`

export interface ChaosOptions {
  readonly seconds: number
  readonly seed: number
  readonly protocolVersion: 4 | 5
  readonly client: ClientKind
  /** The names of the faults. */
  readonly kinds: readonly string[]
  /** The file that gets the recordings of all clients. */
  readonly record?: string
}

/** @throws {InvalidOptionError} */
export function chaosOptions(args: string[]): ChaosOptions & { readonly json?: string } {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '120' },
      seed: { type: 'string', default: '1' },
      protocol: { type: 'string', default: '5' },
      client: { type: 'string', default: 'ours' },
      faults: { type: 'string' },
      record: { type: 'string' },
      json: { type: 'string' },
    },
  })
  const client = oneOf('client', values.client, ['ours', 'mqttjs'])
  const all = Object.keys(faults)
  const kinds = values.faults === undefined ? all : someOf('faults', values.faults, all)
  if (client === 'mqttjs' && kinds.every((name) => name === 'processKilled')) {
    throw new InvalidOptionError(
      '--faults processKilled',
      'needs --client ours: MQTT.js has no store that outlives its process',
    )
  }
  return {
    seconds: positive('seconds', values.seconds),
    seed: atLeastOne('seed', values.seed),
    protocolVersion: oneOf('protocol', values.protocol, ['4', '5']) === '4' ? 4 : 5,
    client,
    kinds,
    ...(values.record !== undefined && { record: writable('record', values.record) }),
    ...(values.json !== undefined && { json: writable('json', values.json) }),
  }
}
