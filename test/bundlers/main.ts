// Installs the package's tarball in a small application, bundles that with each bundler, and runs it in Chromium against a broker.
// Prints a table, and fails if a bundler warns, if a source map lacks a source or shows code that the application does not use, or
// if a page does not receive its message. UPDATE_DOCS=1 writes the sizes into docs/browsers.md.
//
//   npm run test:bundlers [-- vite webpack …]
import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

import { browse, noBrowser } from '../../measure/lab/browser.ts'
import { writeBlock } from '../../scripts/package/docs-block.mjs'
import { createEmbeddedBroker } from '../../testing/index.ts'
import { type Bundler, bundlers } from './bundlers.ts'
import { serveFolder, startVite } from './servers.ts'

interface SourceMap {
  readonly sources: readonly string[]
  readonly sourcesContent?: readonly (string | null)[]
}

const USED = 'xstate-mqtt/dist/src/client.js'
/** Other entries of the package, and what the application does not use of its main entry. */
const UNUSED =
  /xstate-mqtt\/dist\/(?:cli|mqttjs|opentelemetry|react|testing|visualizer|src\/fleet|src\/embedded-machine)|node_modules\/ws\//

if (noBrowser) throw new Error(noBrowser)
const room = fileURLToPath(new URL('.', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'xstate-mqtt-bundlers-'))
const app = installApplication()
const table = [
  '| bundler | loaded at once, gzipped | with the chunks that are loaded later | configuration |',
  '| --- | --- | --- | --- |',
]
{
  await using broker = await createEmbeddedBroker({ webSocket: true })
  await using browsing = await browse()

  const chosen = process.argv.slice(2)
  for (const bundler of bundlers.filter(({ name }) => chosen.length === 0 || chosen.includes(name))) {
    const out = join(app, `out-${bundler.name.replace('/', '-')}`)
    const warnings = bundle(bundler, out)
    await using server = await serveFolder(out)
    const { scripts, errors } = await run(server.url)
    const all = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js'))
    const size = (names: readonly string[]) => kilobytes(names.map((name) => join(out, name)))
    const sizes = [size(scripts), size(all)]
    const name = `${bundler.name} ${versionOf(bundler.name)}`
    report(name, [...warnings, ...errors, ...wrongSources(out)], sizes)
    table.push(
      `| ${bundler.title} ${versionOf(bundler.name)}${bundler.note ?? ''} | ${sizes.join(' | ')} | ${bundler.configuration} |`,
    )
  }
  await using vite = await startVite(app, room)
  report('the server of `vite dev`', (await run(vite.url)).errors)

  /** Opens the application, which says in its title when it has received its message. */
  async function run(
    url: string,
  ): Promise<{ readonly scripts: readonly string[]; readonly errors: readonly string[] }> {
    const page = await browsing.context.newPage()
    const scripts: string[] = []
    const errors: string[] = []
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) errors.push(message.text())
    })
    page.on('pageerror', (error) => errors.push(String(error)))
    page.on('response', (response) => {
      const { pathname } = new URL(response.url())
      if (pathname.endsWith('.js')) scripts.push(pathname)
    })
    await page.goto(`${url}?broker=${encodeURIComponent(broker.wsUrl)}`)
    await page
      .waitForFunction(() => document.title === 'received')
      .catch((error: unknown) => errors.push(String(error)))
    await page.close()
    return { scripts, errors }
  }
}
rmSync(folder, { recursive: true, force: true })
if (process.env.UPDATE_DOCS && !process.exitCode && table.length === bundlers.length + 2) {
  writeBlock('docs/browsers.md', 'bundlers', table.join('\n'))
}

function installApplication(): string {
  const root = join(room, '../..')
  const pack = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder]
  const tarball = join(folder, execFileSync('npm', pack, { cwd: root, encoding: 'utf8' }).trim())
  const target = join(folder, 'app')
  cpSync(join(room, 'app'), target, { recursive: true })
  execFileSync('npm', ['install', '--ignore-scripts', '--no-audit', '--silent', tarball], { cwd: target })
  return target
}

/** @returns what the bundler says if it fails or warns */
function bundle({ command }: Bundler, out: string): readonly string[] {
  const [program = '', ...args] = command(out, room)
  const bin = join(room, 'node_modules/.bin', program)
  const { stdout, stderr, status } = spawnSync(bin, args, {
    cwd: app,
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1' },
  })
  const output = stdout + stderr
  return status === 0 && !/warn|⚠|\(!\)/i.test(output) ? [] : [output]
}

/** What is wrong with the source maps: they name everything that is in the bundle. */
function wrongSources(out: string): readonly string[] {
  const maps = readdirSync(out, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.js.map'))
  const sources = maps.flatMap((name) => {
    const map = JSON.parse(readFileSync(join(out, name), 'utf8')) as SourceMap
    return map.sources.map((source, index) => ({ name, source, content: map.sourcesContent?.[index] }))
  })
  return [
    ...(sources.some(({ source }) => source.includes(USED)) ? [] : [`No source map has ${USED}`]),
    ...sources.filter(({ content }) => !content).map(({ name, source }) => `${name} lacks the source ${source}`),
    ...sources.filter(({ source }) => UNUSED.test(source)).map(({ name, source }) => `${name} has ${source}`),
  ]
}

function versionOf(name: string): string {
  const { version } = JSON.parse(readFileSync(join(room, 'node_modules', name, 'package.json'), 'utf8')) as {
    readonly version: string
  }
  return version
}

function kilobytes(files: readonly string[]): string {
  const bytes = files.map((file) => gzipSync(readFileSync(file)).length).reduce((a, b) => a + b, 0)
  return `${Math.round(bytes / 1_000)} kB`
}

function report(name: string, problems: readonly string[], sizes: readonly string[] = ['', '']): void {
  console.log(`| ${name} | ${sizes.join(' | ')} | ${problems.length === 0 ? 'runs' : 'FAILS'} |`)
  if (problems.length === 0) return
  console.error(problems.join('\n'))
  process.exitCode = 1
}
