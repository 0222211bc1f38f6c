import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { benchTable, speedTable, stormTable, type BenchReport, type StormReport } from './tables.ts'

const USAGE = `npm run figures -- [--bench] [--storm]

Takes the figures and writes them into docs/performance.md and docs/images/storm.svg: about 40 minutes, in which the
machine has nothing else to do. With --bench or --storm only these. What was taken is kept in bench/.cache/.`

const STORMS = [1_000, 10_000, 100_000]
/** The one that is shown. */
const SHOWN = 10_000

const { values: options } = parseArgs({
  options: {
    bench: { type: 'boolean', default: false },
    storm: { type: 'boolean', default: false },
    /** Only what was taken before. */
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log(USAGE)
  process.exit(0)
}
const all = !options.bench && !options.storm && !options.write

if (all || options.bench) run('bench', '--json', cached('bench'))
if (all || options.storm) {
  for (const clients of STORMS) {
    const svg = clients === SHOWN ? ['--svg', path('docs/images/storm.svg')] : []
    run('storm', '--clients', String(clients), '--outage', '10m', '--json', cached(`storm-${clients}`), ...svg)
  }
}

const bench = read<BenchReport>('bench')
const storms = STORMS.map((clients) => read<StormReport>(`storm-${clients}`)).filter((storm) => storm !== undefined)
if (bench) write('bench', benchTable(bench))
if (storms.length > 0) write('storm', [...storms.map(stormTable), speedTable(storms)].join('\n\n'))

function run(script: string, ...args: readonly string[]): void {
  const { status } = spawnSync('npm', ['run', '--silent', script, '--', ...args], { cwd: path('.'), stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

function read<Report>(name: string): Report | undefined {
  const file = cached(name)
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Report) : undefined
}

/** Between the markers of that name. */
function write(name: string, markdown: string): void {
  const file = path('docs/performance.md')
  const before = readFileSync(file, 'utf8')
  const markers = new RegExp(`(<!-- ${name}: npm run figures -->\\n)[^]*?(<!-- /${name} -->)`)
  if (!markers.test(before)) throw new Error(`${file} has no markers for ${name}`)
  writeFileSync(
    file,
    before.replace(markers, (_, begin: string, end: string) => `${begin}\n${markdown}\n\n${end}`),
  )
}

function cached(name: string): string {
  return path(`bench/.cache/${name}.json`)
}

function path(name: string): string {
  return fileURLToPath(new URL(`../${name}`, import.meta.url))
}
