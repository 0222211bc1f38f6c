import { parseArgs } from 'node:util'

import { InvalidOptionError } from '../../src/api/errors.ts'
import { atLeastOne, oneOf, positive, someOf, writable } from '../lab/command-line.ts'
import type { ClientKind } from './clients/client.ts'
import { faults } from './faults.ts'

export const USAGE = `npm run chaos -- [--seconds 120] [--seed 1] [--protocol 5] [--client ours] [--faults a,b] [--json FILE]

Publishers and subscribers of all QoS at a real mosquitto, while faults fall at random from the seed. Exits 1 if
anything accepted was lost, came out of order, never settled or leaked, if QoS 2 came twice while the broker kept its
session, if a client ever held two sockets, did not recover, refused a message or accepted none, or if no fault fell.
Exits 2 if an option is wrong.

--protocol  4 is MQTT 3.1.1
--client    ours, or mqttjs: raw MQTT.js with its own reconnect, for comparison
--faults    ${Object.keys(faults).join(', ')}`

export interface ChaosOptions {
  readonly seconds: number
  readonly seed: number
  readonly protocolVersion: 4 | 5
  readonly client: ClientKind
  /** What falls. */
  readonly kinds: readonly string[]
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
    ...(values.json !== undefined && { json: writable('json', values.json) }),
  }
}
