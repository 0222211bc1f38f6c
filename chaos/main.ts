import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { faults } from './faults.ts'
import { runChaos, type ChaosReport } from './run.ts'

const USAGE = `npm run chaos -- [--seconds 120] [--seed 1] [--protocol 5] [--client ours] [--faults a,b] [--json FILE]

Publishers and subscribers of all QoS at a real mosquitto, while faults fall at random from the seed. Exits 1 if
anything accepted was lost, came out of order, never settled or leaked, if QoS 2 came twice while the broker kept its
session, or if a client ever held two sockets.

--protocol  4 is MQTT 3.1.1
--client    ours, or mqttjs: raw MQTT.js with its own reconnect, for comparison
--faults    ${Object.keys(faults).join(', ')}`

const { values: options } = parseArgs({
  options: {
    seconds: { type: 'string', default: '120' },
    seed: { type: 'string', default: '1' },
    protocol: { type: 'string', default: '5' },
    client: { type: 'string', default: 'ours' },
    faults: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(USAGE)
  process.exit(0)
}

const only = options.faults?.split(',')
const report = await runChaos({
  seconds: positive('seconds', options.seconds),
  seed: positive('seed', options.seed),
  protocolVersion: positive('protocol', oneOf('protocol', options.protocol, ['4', '5'])) as 4 | 5,
  client: oneOf('client', options.client, ['ours', 'mqttjs']) as 'ours' | 'mqttjs',
  ...(only && { only: only.map((name) => oneOf('faults', name, Object.keys(faults))) }),
  log: (line) => console.error(line),
})
const violations = violationsOf(report)
const result = { day: new Date().toISOString().slice(0, 10), ...report, violations }
console.log(JSON.stringify(result, null, 2))
if (options.json) writeFileSync(options.json, `${JSON.stringify(result, null, 2)}\n`)
process.exit(violations.length > 0 ? 1 : 0)

/** What must not happen, and did. */
function violationsOf({
  lost,
  unsettled,
  outOfOrder,
  leakedHandles,
  duplicatesQos2,
  maxSockets,
}: ChaosReport): string[] {
  const nothing = { lost, unsettled, outOfOrder, leakedHandles, duplicatesQos2 }
  const found = Object.entries(nothing).flatMap(([name, count]) => (count > 0 ? [`${name}: ${count}`] : []))
  return maxSockets > 1 ? [...found, `maxSockets: ${maxSockets}`] : found
}

function positive(name: string, value: string): number {
  const number = Number(value)
  if (!(number > 0)) fail(`--${name} must be a number above 0, got ${value}`)
  return number
}

function oneOf(name: string, value: string, allowed: readonly string[]): string {
  if (!allowed.includes(value)) fail(`--${name} must be one of ${allowed.join(', ')}, got ${value}`)
  return value
}

function fail(message: string): never {
  console.error(`${message}\n\n${USAGE}`)
  process.exit(2)
}
