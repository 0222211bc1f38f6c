import { execFile } from 'node:child_process'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

const MACHINES = 'machines/ imports nothing but xstate and itself'
const POLICY = 'machines/policy is pure functions'
const MQTT = 'Only src/mqtt imports mqtt'
const SRC = 'src/ imports machines/ and itself'
const EDGE = 'src/cli and src/testing stand on top'
const NAME = 'by path, not by its name'
const SURFACE = 'visualizer/ sees the public surface only'
const VISUALIZER = 'visualizer/ imports src/index.ts, machines/index.ts and itself'
const EXAMPLE = 'An example is a file that a user copies'
const TIME = 'Time is an argument'
const CHANCE = 'Chance is an argument'
const WAIT = 'Wait in the machine'

const broken: [file: string, code: string, message: string][] = [
  ['machines/policy/a.ts', from('xstate'), POLICY],
  ['machines/policy/a.ts', from('../connection.ts'), POLICY],
  ['machines/policy/a.ts', from('../../src/index.ts'), POLICY],
  ['machines/policy/a.ts', from('node:crypto'), POLICY],
  ['machines/policy/a.ts', 'export const at = Date.now()', TIME],
  ['machines/policy/a.ts', 'export const r = Math.random()', CHANCE],
  ['machines/a.ts', from('mqtt'), MACHINES],
  ['machines/a.ts', from('node:fs'), MACHINES],
  ['machines/a.ts', from('xstate/graph'), MACHINES],
  ['machines/a.ts', from('../src/index.ts'), MACHINES],
  ['machines/a.ts', "import type { A } from '../src/index.ts'\nexport type B = A", MACHINES],
  ['machines/a.ts', "export * from '../src/index.ts'", MACHINES],
  ['machines/a.ts', "export const a = await import('../src/index.ts')", MACHINES],
  ['machines/a.ts', "export type A = import('../src/index.ts').A", '`import()` type annotations are forbidden'],
  ['machines/a.ts', 'export const at = Date.now()', TIME],
  ['machines/a.ts', 'export const at = new Date()', TIME],
  ['machines/a.ts', 'export const at = performance.now()', TIME],
  ['machines/a.ts', 'export const r = Math.random()', CHANCE],
  ['machines/a.ts', 'export const { random } = Math', CHANCE],
  ['machines/a.ts', 'setTimeout(() => {}, 1)', WAIT],
  ['machines/a.ts', 'setInterval(() => {}, 1)', WAIT],
  ['machines/a.ts', 'globalThis.setTimeout(() => {}, 1)', 'A machine touches no globals'],
  ['src/a.ts', from('mqtt'), MQTT],
  ['src/session/a.ts', from('mqtt'), MQTT],
  ['src/session/a.ts', "import type { IClientOptions } from 'mqtt'\nexport type B = IClientOptions", MQTT],
  ['src/session/a.ts', from('mqtt/build/lib/store'), MQTT],
  ['src/cli/a.ts', from('mqtt'), MQTT],
  ['src/a.ts', from('../visualizer/index.ts'), SRC],
  ['src/cli/a.ts', from('../../visualizer/serve/server.ts'), 'The commands use the visualizer by visualizer/index.ts'],
  ['src/mqtt/a.ts', from('../../visualizer/index.ts'), SRC],
  ['src/testing/a.ts', from('../../test/helper.ts'), SRC],
  ['src/cli/a.ts', from('../../examples/a.ts'), SRC],
  ['src/a.ts', from('./cli/main.ts'), EDGE],
  ['src/a.ts', from('./testing/index.ts'), EDGE],
  ['src/mqtt/a.ts', from('../testing/index.ts'), EDGE],
  ['src/session/a.ts', from('../cli/main.ts'), EDGE],
  ['src/testing/a.ts', from('../cli/main.ts'), EDGE],
  ['src/session/a.ts', from('../../cli/main.ts'), SRC],
  ['src/a.ts', from('xstate-mqtt'), NAME],
  ['visualizer/a.ts', from('mqtt'), MQTT],
  ['visualizer/a.ts', from('../src/client.ts'), SURFACE],
  ['visualizer/page/a.ts', from('../../src/mqtt/transport.ts'), SURFACE],
  ['visualizer/a.ts', from('../machines/connection.ts'), SURFACE],
  ['visualizer/a.ts', from('../examples/a.ts'), VISUALIZER],
  ['visualizer/a.ts', from('xstate-mqtt'), NAME],
  ['examples/a.ts', from('../src/index.ts'), EXAMPLE],
  ['examples/a.ts', from('./b.ts'), EXAMPLE],
  ['examples/a.ts', from('mqtt'), EXAMPLE],
  ['examples/a.ts', from('xstate-mqtt/dist/src/index.js'), EXAMPLE],
]

const allowed: [file: string, code: string][] = [
  ['machines/policy/a.ts', from('./backoff.ts')],
  ['machines/policy/a.ts', from('../failure.ts')],
  ['machines/a.ts', from('xstate')],
  ['machines/a.ts', from('./policy/backoff.ts')],
  ['machines/a.ts', 'export const at = (now: () => number) => now()'],
  ['src/a.ts', from('../machines/index.ts')],
  ['src/a.ts', from('./mqtt/transport.ts')],
  ['src/a.ts', from('mqtt-packet')],
  ['src/mqtt/a.ts', from('mqtt')],
  ['src/cli/a.ts', from('../../visualizer/index.ts')],
  ['src/cli/a.ts', from('../../visualizer/chart/svg.ts')],
  ['src/mqtt/a.ts', from('../session/session.ts')],
  ['src/testing/a.ts', from('mqtt')],
  ['src/testing/a.ts', from('../mqtt/transport.ts')],
  ['src/cli/a.ts', from('../testing/index.ts')],
  ['visualizer/a.ts', from('../src/index.ts')],
  ['visualizer/page/src/model/a.ts', from('../../../../src/describe.ts')],
  ['visualizer/page/a.ts', from('../../machines/index.ts')],
  ['visualizer/a.ts', from('./server.ts')],
  ['examples/a.ts', from('xstate')],
  ['examples/a.ts', from('xstate-mqtt')],
  ['examples/a.ts', from('xstate-mqtt/testing')],
  ['examples/a.ts', from('node:timers/promises')],
  ['test/a.ts', from('mqtt')],
  ['test/a.ts', from('../src/mqtt/transport.ts')],
  ['bench/a.ts', from('mqtt')],
]

let folder: string
let findings: Map<string, string[]>

// One run of the linter over all snippets, each in a copy of the house of its own that nobody else lints.
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'xstate-mqtt-boundaries-'))
  await cp(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
  for (const [index, [file, code]] of [...broken, ...allowed].entries()) {
    const path = join(folder, numbered(file, index))
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, `${code}\n`)
  }
  findings = await lint(folder)
}, 30_000)

afterAll(() => rm(folder, { recursive: true, force: true }))

test.each(broken.map((row, index) => [...row, index] as const))('%s: %s', (file, _code, message, index) => {
  expect(findings.get(numbered(file, index)) ?? []).toContainEqual(expect.stringContaining(message))
})

test.each(allowed.map((row, index) => [...row, broken.length + index] as const))('%s may: %s', (file, _code, index) => {
  expect(findings.get(numbered(file, index)) ?? []).toEqual([])
})

function from(specifier: string): string {
  return `import { a } from '${specifier}'\n\nexport const b = a`
}

function numbered(file: string, index: number): string {
  return file.replace(/a\.ts$/, `a${index}.ts`)
}

async function lint(cwd: string): Promise<Map<string, string[]>> {
  const output = await new Promise<string>((resolve, reject) => {
    const args = ['-f', 'json', '.']
    execFile(
      join(root, 'node_modules', '.bin', 'oxlint'),
      args,
      { cwd, maxBuffer: 2 ** 24 },
      (error, stdout, stderr) => {
        // Exit code 1 says that there are findings.
        if (stdout.startsWith('{')) resolve(stdout)
        else reject(new Error(stdout + stderr, { cause: error }))
      },
    )
  })
  const found = new Map<string, string[]>()
  for (const { filename, message, help } of (JSON.parse(output) as Report).diagnostics) {
    const file = relative(cwd, join(cwd, filename))
    found.set(file, [...(found.get(file) ?? []), `${message} ${help ?? ''}`])
  }
  return found
}

interface Report {
  readonly diagnostics: readonly { filename: string; message: string; help?: string }[]
}
