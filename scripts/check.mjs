// Runs all checks that do not run the library. It prints one line per step, and the output of failed steps at the end.
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const env = { ...process.env, PATH: [join(root, 'node_modules', '.bin'), process.env.PATH].join(delimiter) }

// The package and the docs are checked against dist, so these steps wait for the build. So does the linter, which failed on files
// of dist that the build had just deleted.
const built = step('build', 'build')
const results = await Promise.all([
  built,
  step('types', 'check:types'),
  step('format', 'check:format'),
  step('dead code', 'check:dead'),
  step('layouts', 'check:layouts'),
  afterBuild('lint', 'check:lint'),
  afterBuild('package', 'check:package'),
  afterBuild('docs', 'check:docs'),
  afterBuild('api', 'check:api'),
])

const failures = results.filter((result) => !result.ok)
for (const { name, script, output } of failures) {
  console.log(`\n── ${name}: npm run ${script}\n\n${output.trim()}`)
}
process.exitCode = failures.length > 0 ? 1 : 0

async function afterBuild(name, script) {
  const { ok } = await built
  if (ok) return step(name, script)
  console.log(`- ${name}: skipped, the build failed`)
  return { name, script, ok: true, output: '' }
}

/** Runs the command of a package script without npm, which would take longer than most of the commands. */
function step(name, script) {
  return new Promise((resolve) => {
    const started = performance.now()
    const child = spawn(scripts[script], { cwd: root, env, shell: true, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    child.on('close', (code) => {
      const ok = code === 0
      console.log(`${ok ? '✓' : '✗'} ${name} ${((performance.now() - started) / 1000).toFixed(1)} s`)
      resolve({ name, script, ok, output })
    })
  })
}
