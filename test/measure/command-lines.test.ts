import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'

import { benchOptions } from '../../measure/bench/options.ts'
import { CONTENDERS } from '../../measure/bench/rows/row.ts'
import { chaosOptions } from '../../measure/chaos/options.ts'
import { stormOptions } from '../../measure/storm/options.ts'
import { sharedFolder } from '../support/temporary-folder.ts'

const scripts = { bench: benchOptions, chaos: chaosOptions, storm: stormOptions }
const folder = sharedFolder()

test.each<[script: keyof typeof scripts, args: string, message: string]>([
  ['chaos', '--nope', "Unknown option '--nope'"],
  ['chaos', '--seed', "'--seed <value>' argument missing"],
  ['chaos', 'word', "Unexpected argument 'word'"],
  ['chaos', '--seconds abc', '--seconds must be a number above 0, got "abc"'],
  ['chaos', '--seconds Infinity', '--seconds must be a number above 0, got "Infinity"'],
  ['chaos', '--seed 1.5', '--seed must be a whole number of at least 1, got "1.5"'],
  ['chaos', '--protocol 3', '--protocol must be one of 4, 5, got "3"'],
  ['chaos', '--client toString', '--client must be one of ours, mqttjs, got "toString"'],
  ['chaos', '--faults stalled,toString', 'got "toString"'],
  ['chaos', '--faults=', 'got ""'],
  ['chaos', '--client mqttjs --faults processKilled', '--faults processKilled needs --client ours'],
  ['chaos', `--json ${tmpdir()}`, `--json must be a file, got "${tmpdir()}"`],
  ['chaos', '--json /dev/null/x.json', '--json must be a file that can be written'],
  ['bench', '--nope', "Unknown option '--nope'"],
  ['bench', 'word', "Unexpected argument 'word'"],
  ['bench', '--rows toString', 'got "toString"'],
  ['bench', '--rows send,nope', 'got "nope"'],
  ['bench', '--contenders ours,nope', '--contenders must be one of ours, mqttjs, aws-crt, loop, classic-level'],
  ['bench', '--rounds abc', '--rounds must be a whole number of at least 1, got "abc"'],
  ['bench', '--rounds 0', '--rounds must be a whole number of at least 1, got "0"'],
  ['storm', '--nope', "Unknown option '--nope'"],
  ['storm', '--policy equal,nope', '--policy must be one of equal'],
  ['storm', '--policy toString', 'got "toString"'],
  ['storm', '--outage 0s', '--outage must be at least one second, in whole seconds, such as 90s, 10m or 2h, got "0s"'],
  ['storm', '--outage abc', 'got "abc"'],
  ['storm', '--capacity=', '--capacity must be a whole number of at least 1, got ""'],
  ['storm', '--clients -1', "'--clients' argument is ambiguous"],
])('%s %s: %s', (script, args, message) => {
  expect(() => scripts[script](args.split(' '))).toThrow(message)
})

test.each<[script: keyof typeof scripts, args: string, options: object]>([
  ['chaos', '--seconds 30 --seed 2 --protocol 4', { seconds: 30, seed: 2, protocolVersion: 4, client: 'ours' }],
  ['chaos', '--client mqttjs --faults processKilled,stalled', { kinds: ['processKilled', 'stalled'] }],
  ['chaos', '--record /tmp/x.jsonl', { record: '/tmp/x.jsonl' }],
  ['bench', '--rows bundle --quick', { names: ['bundle'], quick: true, rounds: 5 }],
  ['bench', '--rows resend,send,bundle', { names: ['send.qos0', 'send.qos1', 'send.qos2', 'resend.1000', 'bundle'] }],
  ['bench', '--contenders ours,loop --full', { contenders: ['ours', 'loop'], full: true }],
  ['bench', '--rounds 1', { contenders: CONTENDERS, rounds: 1, full: false, quick: false }],
  ['storm', '--clients 500 --outage 2h', { storm: { clients: 500, outage: 7_200_000, capacity: 10, backlog: 200 } }],
  ['storm', '--policy equal,aws', { names: ['equal', 'aws'] }],
])('%s %s', (script, args, options) => {
  expect(scripts[script](args.split(' '))).toMatchObject(options)
})

test.each(['bench', 'chaos', 'storm'] as const)('%s makes the folder of what it will write', (script) => {
  const json = join(folder, script, 'not', 'there', 'x.json')
  expect(scripts[script](['--json', json])).toMatchObject({ json })
  expect(existsSync(join(json, '..'))).toBe(true)
})
