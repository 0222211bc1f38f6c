import { writeFileSync } from 'node:fs'

import { commandLine } from '../lab/command-line.ts'
import { stormOptions, USAGE } from './options.ts'
import { plot, type Curve } from './plot.ts'
import { policies } from './policies.ts'
import { simulateAll } from './simulate-all.ts'
import type { StormResult } from './simulate.ts'

const { storm, names, json, svg } = commandLine(USAGE, stormOptions)
const { clients, outage, capacity } = storm
const title = `${clients.toLocaleString('en')} clients, an outage of ${inWords(outage)}, a broker that accepts ${capacity.toLocaleString('en')} connections/s`

console.log(`${title}\n`)
console.log('                 peak connects/s, and')
console.log('policy        in the outage   after it    median       p99    failed attempts (after)   transitions/s')
const curves: Curve[] = []
for await (const { name, result } of simulateAll(names, storm)) {
  const policy = policies[name]
  if (!policy) continue
  curves.push({ policy, result })
  console.log(line(name, result))
  const problem = problemOf(result)
  if (problem === undefined) continue
  console.error(`${name}: ${problem}`)
  process.exitCode = 1
}

if (json !== undefined) {
  const results = Object.fromEntries(curves.map(({ result }, n) => [names[n], result]))
  const { outage: outageMs, ...rest } = storm
  const report = { ...rest, outageMs, node: process.version, policies: results }
  writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`)
}
if (svg !== undefined) writeFileSync(svg, plot(curves, { title, outageSeconds: outage / 1_000, capacity }))

/** The reason why a result is invalid, if it is. */
function problemOf({ timeline, ...figures }: StormResult): string | undefined {
  const wrong = Object.entries(figures).find(([, figure]) => !Number.isFinite(figure) || figure < 0)
  if (wrong) return `${wrong[0]} is ${wrong[1]}`
  const restored = timeline.reduce((sum, second) => sum + second.restored, 0)
  return restored === figures.restored
    ? undefined
    : `${restored} of ${figures.restored} restored clients are in the timeline`
}

function line(name: string, result: StormResult): string {
  const {
    peakDuringOutage,
    peakConnectsPerSecond,
    medianRestoredMs,
    p99RestoredMs,
    wastedAttempts,
    wastedAfterOutage,
  } = result
  const lost = result.clients - result.restored
  return [
    name.padEnd(14),
    peakDuringOutage.toLocaleString('en').padStart(13),
    peakConnectsPerSecond.toLocaleString('en').padStart(11),
    seconds(medianRestoredMs).padStart(10),
    seconds(p99RestoredMs).padStart(10),
    `${wastedAttempts.toLocaleString('en')} (${wastedAfterOutage.toLocaleString('en')})`.padStart(27),
    result.transitionsPerSecond.toLocaleString('en').padStart(16),
    lost > 0 ? `  ${lost} not connected after an hour: ${result.gaveUp} gave up` : '',
  ].join('')
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}

function inWords(ms: number): string {
  return ms % 60_000 === 0 ? `${ms / 60_000} min` : `${ms / 1_000} s`
}
