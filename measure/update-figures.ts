import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { benchTable, speedTable, stormTable, type BenchReport, type StormReport } from './bench/tables.ts'
import { chaosTable, type ChaosFigures } from './chaos/table.ts'
import { commandLine } from './lab/command-line.ts'
import { modelTable, type Explored } from './model/table.ts'

const USAGE = `npm run figures -- [--bench] [--storm] [--chaos] [--model] [--write]

Measures all figures and writes them into docs/performance.md, docs/reliability.md, docs/machine.md and docs/images/storm.svg.
This takes about an hour, and nothing else should run on the machine. --bench, --storm, --chaos and --model measure only these
figures; --model takes two minutes, and may run beside anything. The results are kept in measure/.cache/; --write measures nothing and writes the kept results into the documents.`

const STORMS = [1_000, 10_000, 100_000]
/** The storm that is shown as a picture. */
const SHOWN = 10_000
const RUNS_OF_CHAOS = [
  { name: 'chaos-1', args: ['--seed', '1'] },
  { name: 'chaos-2', args: ['--seed', '2'] },
  { name: 'chaos-3', args: ['--seed', '3'] },
  { name: 'chaos-1-mqtt-3.1.1', args: ['--seed', '1', '--protocol', '4'] },
  // Raw MQTT.js loses messages, so this run ends with code 1.
  { name: 'chaos-1-mqttjs', args: ['--seed', '1', '--client', 'mqttjs'], mayFail: true },
]

const { values: options } = commandLine(USAGE, (args) =>
  parseArgs({
    args,
    options: {
      bench: { type: 'boolean', default: false },
      storm: { type: 'boolean', default: false },
      chaos: { type: 'boolean', default: false },
      model: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
    },
  }),
)
const all = !options.bench && !options.storm && !options.chaos && !options.model && !options.write

if (all || options.bench) run('bench', '--full', '--json', cached('bench'))
if (all || options.storm) {
  for (const clients of STORMS) {
    const svg = clients === SHOWN ? ['--svg', path('docs/images/storm.svg')] : []
    run('storm', '--clients', String(clients), '--outage', '10m', '--json', cached(`storm-${clients}`), ...svg)
  }
}

if (all || options.chaos) {
  for (const { name, args, mayFail } of RUNS_OF_CHAOS) {
    const status = start('chaos', '--seconds', '120', ...args, '--json', cached(name))
    if (status !== 0 && !mayFail) process.exit(status ?? 1)
  }
}

if (all || options.model) run('model', '--json', cached('model'))

const bench = read<BenchReport>('bench')
const storms = STORMS.map((clients) => read<StormReport>(`storm-${clients}`)).filter((storm) => storm !== undefined)
const model = read<readonly Explored[]>('model')
const runsOfChaos = RUNS_OF_CHAOS.map(({ name }) => read<ChaosFigures>(name)).filter((report) => report !== undefined)
if (bench) write('docs/performance.md', 'bench', benchTable(bench))
if (runsOfChaos.length > 0) write('docs/reliability.md', 'chaos', chaosTable(runsOfChaos))
if (model) write('docs/machine.md', 'model', modelTable(model))
if (storms.length > 0) {
  write('docs/performance.md', 'storm', [...storms.map(stormTable), speedTable(storms)].join('\n\n'))
}

function run(script: string, ...args: readonly string[]): void {
  const status = start(script, ...args)
  if (status !== 0) process.exit(status ?? 1)
}

function start(script: string, ...args: readonly string[]): number | null {
  return spawnSync('npm', ['run', '--silent', script, '--', ...args], { cwd: path('.'), stdio: 'inherit' }).status
}

function read<Report>(name: string): Report | undefined {
  const file = cached(name)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : undefined
}

/** Replaces the text between the markers of a name. */
function write(document: string, name: string, markdown: string): void {
  const file = path(document)
  const before = readFileSync(file, 'utf8')
  const markers = new RegExp(`(<!-- ${name}: npm run figures -->\\n)[^]*?(<!-- /${name} -->)`)
  if (!markers.test(before)) throw new Error(`${file} has no markers for ${name}`)
  writeFileSync(
    file,
    before.replace(markers, (_, begin: string, end: string) => `${begin}\n${markdown}\n\n${end}`),
  )
}

function cached(name: string): string {
  return path(`measure/.cache/${name}.json`)
}

function path(name: string): string {
  return fileURLToPath(new URL(`../${name}`, import.meta.url))
}
