// Runs the examples of docs/testing.md for other test runners, on the package as npm would install it.
//
//   npm run test:runners
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const here = import.meta.dirname
const root = join(here, '..', '..')

const JSDOM = '<rootDir>/tests/jsdom.test.js'
const esModules = { NODE_OPTIONS: '--experimental-vm-modules' }

const folder = mkdtempSync(join(tmpdir(), 'xstate-mqtt-runners-'))
try {
  run('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'])
  run('npm', ['pack', '--silent', '--pack-destination', folder], root)
  run('npm', ['install', '--no-save', '--no-package-lock', '--ignore-scripts', '--no-audit', '--no-fund', tarball()])
  const jest = join(here, 'node_modules', '.bin', 'jest')
  const failed = [
    { title: 'jest', command: [jest, '-c', 'jest.config.mjs'], env: esModules },
    { title: 'jest, CommonJS', command: [jest, '-c', 'jest.commonjs.config.mjs'] },
    {
      title: 'jest with jsdom',
      command: [jest, '-c', 'jest.config.mjs', '--env', 'jsdom', '--testMatch', JSDOM],
      env: esModules,
    },
    { title: 'jest with jsdom, CommonJS', command: [jest, '-c', 'jest.jsdom.config.mjs'] },
    { title: 'node:test', command: [process.execPath, '--test', 'tests/node.test.js'] },
  ].filter(({ title, command: [program = '', ...args], env }) => {
    console.log(`\n${title}`)
    return spawn(program, args, here, env) !== 0
  })
  process.exitCode = failed.length > 0 ? 1 : 0
  if (failed.length > 0) console.error(`failed: ${failed.map(({ title }) => title).join(', ')}`)
} finally {
  rmSync(folder, { recursive: true })
}

function tarball() {
  return join(folder, readdirSync(folder)[0] ?? '')
}

function run(command, args, cwd = here) {
  if (spawn(command, args, cwd) !== 0) throw new Error(`${command} ${args.join(' ')} failed`)
}

function spawn(command, args, cwd, env) {
  return spawnSync(command, args, { cwd, stdio: ['ignore', 'inherit', 'inherit'], env: { ...process.env, ...env } })
    .status
}
