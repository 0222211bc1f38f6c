// Packs the package, and checks it in each runtime as users get it. Prints a table; `--write` puts it into docs/runtimes.md.
// `--only Bun,Deno` checks some of the runtimes, `ONLY=tcp,ws` runs some of the checks, `--keep` takes the package that was packed last.
import { execFile, execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'

import { heading, runtimes, workerd } from './runtimes.mjs'
import { compileWithEach } from './typescript.mjs'

const { values } = parseArgs({
  options: { write: { type: 'boolean' }, keep: { type: 'boolean' }, only: { type: 'string' } },
})
const root = fileURLToPath(new URL('../..', import.meta.url))
const page = new URL('../../docs/runtimes.md', import.meta.url)
const BEGIN = '<!-- written by `npm run test:runtimes -- --write` -->\n\n'
const END = '\n\n<!-- end -->'

if (!values.keep) install()
// These import the package.
const { openLab } = await import('./lab.mjs')
const { checkProcess } = await import('./processes.mjs')
const { checkWorkerd, LIMITS, NOTES } = await import('./workerd.mjs')
const { table } = await import('./table.mjs')

const columns = []
for (const runtime of runtimes) {
  await check(runtime.name, runtime.command, (lab, report) => checkProcess(runtime, lab, report))
}
await check('workerd', [workerd], (lab, report) => checkWorkerd(workerd, lab, report), {
  limits: LIMITS,
  notes: NOTES,
})

if (!values.only || values.only.includes('React Native')) await reactNative()
if (!values.only || values.only.includes('TypeScript')) typeScript()

const text = table(columns)
console.log(`\n${text}`)
const failed = columns.flatMap(({ heading: title, results, limits = {} }) =>
  results.filter(({ name, ok }) => !ok && !limits[name]).map(({ name, note }) => `${title}: ${name}: ${note}`),
)
for (const line of failed) console.log(line)
if (failed.length > 0) process.exitCode = 1
else if (values.write) write(text)

async function reactNative() {
  console.log('\nReact Native')
  const lab = await openLab()
  const [node] = runtimes.find(({ name }) => name === 'Node 24').command
  const script = fileURLToPath(new URL('react-native.mjs', import.meta.url))
  try {
    // Not synchronously: the servers are in this process.
    const { stdout } = await promisify(execFile)(node, [script], {
      env: { ...process.env, LAB: JSON.stringify(lab.facts) },
    })
    console.log(`  ok ${stdout.trim()}`)
  } catch (error) {
    process.exitCode = 1
    console.log(`  -- ${error.stderr ?? error}`)
  } finally {
    await lab.close()
  }
}

function typeScript() {
  for (const { version, usual, checked } of compileWithEach()) {
    const ours = [...usual.ours, ...usual.others, ...checked.ours]
    console.log(
      `\nTypeScript ${version}: ${ours.length} errors; without skipLibCheck ${checked.others.length} in other packages`,
    )
    for (const line of ours) console.log(`  -- ${line}`)
    if (ours.length > 0) process.exitCode = 1
  }
}

async function check(name, command, run, remarks = {}) {
  if (values.only && !values.only.split(',').includes(name)) return
  const title = heading(name, command)
  console.log(`\n${title}`)
  const lab = await openLab()
  try {
    const results = await run(lab.facts, (result) => {
      console.log(`  ${result.ok ? 'ok' : '--'} ${result.name} (${result.took} ms) ${result.note ?? ''}`)
    })
    columns.push({ heading: title, results, ...remarks })
  } finally {
    await lab.close()
  }
}

/** Installs the tarball that npm would publish. Its dependencies are those of this folder. */
function install() {
  if (!existsSync(join(root, 'dist'))) throw new Error('There is no dist folder: run npm run build')
  const out = mkdtempSync(join(tmpdir(), 'xstate-mqtt-pack-'))
  try {
    const npm = ['pack', '--json', '--ignore-scripts', '--pack-destination', out]
    const stdio = ['ignore', 'pipe', 'ignore']
    const [{ filename }] = JSON.parse(execFileSync('npm', npm, { cwd: root, encoding: 'utf8', stdio }))
    const library = fileURLToPath(new URL('node_modules/xstate-mqtt', import.meta.url))
    rmSync(library, { recursive: true, force: true })
    mkdirSync(library)
    execFileSync('tar', ['-xzf', join(out, filename), '-C', library, '--strip-components', '1'])
  } finally {
    rmSync(out, { recursive: true })
  }
}

function write(lines) {
  const old = readFileSync(page, 'utf8')
  const begin = old.indexOf(BEGIN)
  const end = old.indexOf(END, begin)
  if (begin < 0 || end < 0) throw new Error(`docs/runtimes.md has no place for the table:\n${BEGIN}${END}`)
  writeFileSync(page, old.slice(0, begin) + BEGIN + lines + old.slice(end))
}
