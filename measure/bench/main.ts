import { writeFileSync } from 'node:fs'

import { commandLine } from '../lab/command-line.ts'
import { Mosquitto } from '../lab/mosquitto.ts'
import { problemsOf } from './check-figures.ts'
import { contendersMissing, machine, versions } from './environment.ts'
import { lineOf, summarize, type Figure } from './figures.ts'
import { benchOptions, USAGE } from './options.ts'
import type { BenchContext, Case, Contender, Row } from './rows/row.ts'
import { buildWorker } from './run-worker.ts'
import { selectRows } from './select-rows.ts'
import { ServerProcess } from './server-process.ts'
import type { Metrics } from './work/index.ts'

const { names, contenders: wanted, rounds: most, full, quick, json } = commandLine(USAGE, benchOptions)

if (quick) console.log('A quick run: the clients are still warming up, so these figures are not judged.\n')
await buildWorker()
const config = ['allow_anonymous true', 'max_inflight_messages 0', 'max_queued_messages 0']
await using broker = await Mosquitto.start({ config })
await using server = await ServerProcess.start()
const context: BenchContext = { quick, port: broker.port, serverPorts: server.ports }
const missing = contendersMissing()
for (const contender of wanted) {
  if (missing.has(contender)) console.log(`${contender} is left out: ${missing.get(contender)}\n`)
}
const present = wanted.filter((contender) => !missing.has(contender))
const rows = selectRows({ names, contenders: present, full }, (name, reason) => {
  console.log(`${name} is left out: ${reason}\n`)
})

const results: Record<string, Record<string, Readonly<Record<string, Figure>>>> = {}
for (const [name, row] of rows) results[name] = await measureRow(name, row)

if (json !== undefined) {
  const day = new Date().toISOString().slice(0, 10)
  const report = { day, quick, rounds: most, machine: machine(), versions: versions(), rows: results }
  writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`)
}
const problems = problemsOf(results, rows)
for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0

async function measureRow(name: string, row: Row): Promise<Record<string, Readonly<Record<string, Figure>>>> {
  console.log(`${name}: ${row.what}`)
  const figures: Record<string, Readonly<Record<string, Figure>>> = {}
  for (const each of row.cases) {
    const byMetric = summarize(row, await measureCase(row, each), !quick && !each.full)
    figures[each.name || 'all'] = byMetric
    for (const [metric, figure] of Object.entries(byMetric)) {
      console.log(lineOf(each.name, metric, figure))
    }
  }
  console.log('')
  return figures
}

/** Measures all contenders in each round. Every second round has the reverse order. */
async function measureCase(row: Row, { contenders, measure }: Case) {
  const rounds = quick ? 1 : Math.min(most, row.rounds ?? Infinity)
  const measured = new Map<Contender, Metrics[]>(contenders.map((contender) => [contender, []]))
  for (let turn = 0; turn < rounds; turn++) {
    for (const contender of turn % 2 === 0 ? contenders : contenders.toReversed()) {
      measured.get(contender)?.push(await measure(contender, context))
    }
  }
  return measured
}
