import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { parseArgs } from 'node:util'

import { Mosquitto } from './mosquitto.ts'
import { rows, type BenchContext, type Case, type Contender, type MetricRule, type Row } from './rows.ts'
import { buildWorker } from './run-worker.ts'
import { spreadOf, type Spread } from './statistics.ts'
import type { Metrics } from './work/index.ts'

const USAGE = `npm run bench -- [--rows throughput.qos0,latency.qos1] [--rounds 5] [--json FILE] [--quick]

Measures ours against raw MQTT.js and aws-crt, in turn within each round. aws-crt takes part after npm ci in bench/.

Rows: ${Object.keys(rows).join(' ')}`

/** What one metric of one case came to. Ratios are ours ÷ theirs, of the same round. */
interface Figure {
  readonly unit: string
  readonly values: Readonly<Record<string, Spread>>
  readonly ratios: Readonly<Record<string, Spread>>
  readonly target: string | null
  readonly met: boolean | null
}

const { values: options } = parseArgs({
  options: {
    rows: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'string' },
    quick: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(USAGE)
  process.exit(0)
}
const names = options.rows?.split(',') ?? Object.keys(rows)
for (const name of names) {
  if (name in rows) continue
  console.error(`There is no row ${name}.\n\n${USAGE}`)
  process.exit(2)
}

await buildWorker()
const config = ['allow_anonymous true', 'max_inflight_messages 0', 'max_queued_messages 0']
await using broker = await Mosquitto.start({ config })
const context: BenchContext = { quick: options.quick, port: broker.port }
const awsCrt = existsSync(new URL('node_modules/aws-crt', import.meta.url))
if (!awsCrt) console.log('aws-crt is left out: npm ci --prefix bench\n')

const results: Record<string, Record<string, Record<string, Figure>>> = {}
for (const name of names) {
  const row = rows[name]
  if (row) results[name] = await measureRow(name, row)
}

if (options.json) {
  const report = { quick: options.quick, machine: machine(), versions: versions(), rows: results }
  writeFileSync(options.json, `${JSON.stringify(report, null, 2)}\n`)
}

async function measureRow(name: string, row: Row): Promise<Record<string, Record<string, Figure>>> {
  console.log(`${name}: ${row.what}`)
  const figures: Record<string, Record<string, Figure>> = {}
  for (const each of row.cases) {
    const byMetric = summarize(row, await measureCase(row, each))
    figures[each.name || 'all'] = byMetric
    for (const [metric, figure] of Object.entries(byMetric)) {
      console.log(line(each.name, metric, figure))
    }
  }
  console.log('')
  return figures
}

/** Everybody once a round, and each round in another order. */
async function measureCase(row: Row, { contenders, measure }: Case) {
  const present = contenders.filter((contender) => awsCrt || contender !== 'aws-crt')
  const rounds = options.quick ? 1 : Math.min(Number(options.rounds), row.rounds ?? Infinity)
  const measured = new Map<Contender, Metrics[]>(present.map((contender) => [contender, []]))
  for (let turn = 0; turn < rounds; turn++) {
    for (const contender of turn % 2 === 0 ? present : present.toReversed()) {
      measured.get(contender)?.push(await measure(contender, context))
    }
  }
  return measured
}

function summarize({ metrics }: Row, measured: ReadonlyMap<Contender, readonly Metrics[]>): Record<string, Figure> {
  const figures: Record<string, Figure> = {}
  for (const [metric, rule] of Object.entries(metrics)) {
    const values: Record<string, Spread> = {}
    const ratios: Record<string, Spread> = {}
    const ours = (measured.get('ours') ?? []).map((measurement) => measurement[metric] ?? Number.NaN)
    for (const [contender, rounds] of measured) {
      const theirs = rounds.map((measurement) => measurement[metric]).filter((value) => value !== undefined)
      if (theirs.length === 0) continue
      values[contender] = spreadOf(theirs)
      if (contender !== 'ours') ratios[contender] = spreadOf(theirs.map((value, i) => (ours[i] ?? Number.NaN) / value))
    }
    figures[metric] = { unit: rule.unit, values, ratios, ...judge(rule, values, ratios) }
  }
  return figures
}

function judge(rule: MetricRule, values: Readonly<Record<string, Spread>>, ratios: Readonly<Record<string, Spread>>) {
  const { better, ratio, atMost } = rule
  if (ratio !== undefined && ratios['mqttjs']) {
    const { median } = ratios['mqttjs']
    const sign = better === 'more' ? '≥' : '≤'
    return { target: `${sign} ${round(ratio)} × MQTT.js`, met: better === 'more' ? median >= ratio : median <= ratio }
  }
  if (atMost !== undefined && values['ours']) return { target: `≤ ${atMost}`, met: values['ours'].median <= atMost }
  return { target: null, met: null }
}

function line(name: string, metric: string, { unit, values, ratios, target, met }: Figure): string {
  const all = Object.entries(values).map(([contender, { median }]) => `${contender} ${round(median)}`)
  const each = Object.entries(ratios).map(
    ([contender, { median, min, max }]) => `÷ ${contender} ${round(median)} (${round(min)} to ${round(max)})`,
  )
  const verdict = target === null ? '' : `  ${met ? '✓' : '✗'} ${target}`
  return `  ${[name, metric].filter(Boolean).join(' ')}: ${all.join(', ')} ${unit}; ${each.join(', ')}${verdict}`
}

function round(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))
}

function machine() {
  const [cpu] = cpus()
  return {
    cpu: cpu?.model.trim() ?? 'unknown',
    cores: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    platform: `${process.platform} ${process.arch}`,
    node: process.version,
  }
}

function versions(): Record<string, string> {
  const found: Record<string, string> = {}
  for (const [name, file] of [
    ['mqtt', '../node_modules/mqtt/package.json'],
    ['xstate', '../node_modules/xstate/package.json'],
    ['aws-crt', 'node_modules/aws-crt/package.json'],
  ] as const) {
    const url = new URL(file, import.meta.url)
    if (existsSync(url)) found[name] = (JSON.parse(readFileSync(url, 'utf8')) as { version: string }).version
  }
  return found
}
