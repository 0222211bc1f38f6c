import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseArgs } from 'node:util'

import { plot, type Curve } from './storm/plot.ts'
import { policies } from './storm/policies.ts'
import { simulate, type StormResult } from './storm/simulate.ts'

const USAGE = `npm run storm -- [--clients 10000] [--outage 10m] [--policy all] [--capacity N] [--seed 1] [--json FILE] [--svg FILE]

What a fleet does to a broker that comes back after an outage: the real machines, in simulated time. Exits 1 if a figure
is missing, and never because of what a figure is.

--policy    ${Object.keys(policies).join(', ')}, several with commas, or all
--outage    such as 90s, 10m or 2h
--capacity  connections a second that the broker can take; default: a hundredth of the clients
--backlog   attempts that may wait at the broker; default: what it takes in 20 s`

const { values: options } = parseArgs({
  options: {
    clients: { type: 'string', default: '10000' },
    outage: { type: 'string', default: '10m' },
    policy: { type: 'string', default: 'all' },
    capacity: { type: 'string' },
    backlog: { type: 'string' },
    seed: { type: 'string', default: '1' },
    json: { type: 'string' },
    svg: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(USAGE)
  process.exit(0)
}

const clients = atLeastOne('clients', options.clients)
const outage = duration(options.outage)
const capacity = options.capacity ? atLeastOne('capacity', options.capacity) : Math.max(10, Math.ceil(clients / 100))
const backlog = options.backlog ? atLeastOne('backlog', options.backlog) : capacity * 20
const seed = atLeastOne('seed', options.seed)
const names = options.policy === 'all' ? Object.keys(policies) : options.policy.split(',')

console.log(
  `${clients.toLocaleString('en')} clients, ${options.outage} outage, a broker that takes ${capacity.toLocaleString('en')} connections/s\n`,
)
console.log('policy          peak connects/s    median     p99   wasted attempts (after)   transitions/s')
const curves: Curve[] = []
for (const name of names) {
  const policy = policies[name]
  if (!policy) fail(`There is no policy ${name}.`)
  const result = simulate(policy, { clients, outage, capacity, backlog, seed })
  curves.push({ policy, result })
  console.log(line(name, result))
  const problem = problemOf(result)
  if (problem === undefined) continue
  console.error(`${name}: ${problem}`)
  process.exitCode = 1
}

if (options.json) {
  const results = Object.fromEntries(curves.map(({ result }, n) => [names[n], result]))
  const report = { clients, outageMs: outage, capacity, backlog, seed, node: process.version, policies: results }
  write(options.json, `${JSON.stringify(report, null, 2)}\n`)
}
if (options.svg) {
  const title = `${clients.toLocaleString('en')} clients, an outage of ${inWords(outage)}, a broker that takes ${capacity.toLocaleString('en')} connections/s`
  write(options.svg, plot(curves, { title, outageSeconds: outage / 1_000, capacity }))
}

/** What makes a result worthless, whatever its figures are. */
function problemOf({ timeline, ...figures }: StormResult): string | undefined {
  const wrong = Object.entries(figures).find(([, figure]) => !Number.isFinite(figure) || figure < 0)
  if (wrong) return `${wrong[0]} is ${wrong[1]}`
  const restored = timeline.reduce((sum, second) => sum + second.restored, 0)
  return restored === figures.restored
    ? undefined
    : `${restored} of ${figures.restored} restored clients are in the timeline`
}

function line(name: string, result: StormResult): string {
  const { peakConnectsPerSecond, medianRestoredMs, p99RestoredMs, wastedAttempts, wastedAfterOutage } = result
  const lost = result.clients - result.restored
  return [
    name.padEnd(15),
    peakConnectsPerSecond.toLocaleString('en').padStart(16),
    seconds(medianRestoredMs).padStart(10),
    seconds(p99RestoredMs).padStart(8),
    `${wastedAttempts.toLocaleString('en')} (${wastedAfterOutage.toLocaleString('en')})`.padStart(26),
    result.transitionsPerSecond.toLocaleString('en').padStart(16),
    lost > 0 ? `  ${lost} not back after an hour: ${result.gaveUp} gave up` : '',
  ].join('')
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}

function inWords(ms: number): string {
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1_000} s`
}

function duration(value: string): number {
  const [, number, unit = 's'] = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(value) ?? []
  if (number === undefined) fail(`--outage must be a duration such as 90s, 10m or 2h, got ${value}`)
  return Number(number) * { s: 1_000, m: 60_000, h: 3_600_000 }[unit as 's' | 'm' | 'h']
}

function atLeastOne(name: string, value: string): number {
  const number = Number(value)
  if (!Number.isInteger(number) || number < 1) fail(`--${name} must be a whole number of at least 1, got ${value}`)
  return number
}

function write(file: string, content: string): void {
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
}

function fail(message: string): never {
  console.error(`${message}\n\n${USAGE}`)
  process.exit(2)
}
