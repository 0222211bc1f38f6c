import { execFile, execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, posix } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { homelessness, objection } from '../../scripts/lint/arrow.mjs'
import { computedImports, rooms } from '../../scripts/lint/rooms.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const sources = execFileSync('git', ['ls-files', '-co', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  .trim()
  .split('\n')
  .filter((file) => /\.[cm]?[jt]sx?$/.test(file) && file.includes('/') && existsSync(join(root, file)))

test.each([
  ['machines/policy/a.ts', 'xstate', 'must not import the package xstate'],
  ['machines/policy/a.ts', 'node:crypto', 'must not import the package node:crypto'],
  ['machines/policy/a.ts', '../connection/machine.ts', 'must not import from machines'],
  ['machines/a.ts', 'mqtt', 'must not import the package mqtt'],
  ['machines/a.ts', '../src/index.ts', 'must not import from src/index.ts'],
  ['src/api/a.ts', '../shared/clock.ts', 'must not import from src/shared'],
  ['src/api/a.ts', 'mqtt', 'must not import the package mqtt'],
  ['src/config/a.ts', '../session/session.ts', 'must not import from src/session'],
  ['src/wire/a.ts', '../mqtt/transport.ts', 'must not import from src/mqtt'],
  ['src/session/a.ts', 'mqtt/build/lib/store', 'must not import the package mqtt/build/lib/store'],
  ['src/session/a.ts', '../mqtt/link.ts', 'must not import from src/mqtt'],
  ['src/session/a.ts', '../../testing/index.ts', 'must not import from testing'],
  ['src/store/a.ts', '../mqtt/link.ts', 'must not import from src/mqtt'],
  ['src/lifecycle/a.ts', '../messages/publish.ts', 'must not import from src/messages'],
  ['src/client.ts', './fleet/fleet.ts', 'must not import from src/fleet'],
  ['src/fleet/a.ts', 'xstate-mqtt', 'must not import the package xstate-mqtt'],
  ['mqttjs/a.ts', '../testing/index.ts', 'must not import from testing'],
  ['testing/a.ts', '../visualizer/index.ts', 'must not import from visualizer'],
  ['visualizer/a.ts', '../src/client.ts', 'must not import from src/client.ts'],
  ['visualizer/record/a.ts', '../serve/server.ts', 'must not import from visualizer/serve'],
  ['visualizer/chart/a.ts', '../record/recorder.ts', 'must not import from visualizer/record'],
  ['visualizer/page/src/a.ts', '../../serve/server.ts', 'must not import from visualizer/serve'],
  ['measure/bench/a.ts', '../../cli/command.ts', 'must not import from cli'],
  ['measure/chaos/a.ts', '../../test/support/property.ts', 'must not import from test'],
  ['measure/lab/a.ts', '../bench/main.ts', 'must not import from measure/bench'],
  ['measure/bench/a.ts', '../chaos/main.ts', 'must not import from measure/chaos'],
  ['measure/chaos/a.ts', '../bench/main.ts', 'must not import from measure/bench'],
  ['measure/storm/a.ts', '../update-figures.ts', 'must not import from measure'],
  ['visualizer/serve/a.ts', '../page/src/main.tsx', 'must not import from visualizer/page'],
  ['visualizer/a.ts', './page/src/main.tsx', 'must not import from visualizer/page'],
  ['src/a.ts', 'mqtt', 'src/a.ts belongs to no room'],
  ['nowhere/a.mts', '../src/index.ts', 'nowhere/a.mts belongs to no room'],
  ['cli/a.ts', '../visualizer/serve/server.ts', 'must not import from visualizer/serve'],
  ['cli/a.ts', 'mqtt', 'must not import the package mqtt'],
  ['examples/a.ts', '../src/index.ts', 'must not import from src/index.ts'],
  ['examples/xstate-inspect/a.ts', '../a.ts', 'must not import from examples'],
  ['src/api/a.ts', '../../nowhere/a.ts', 'belongs to no room'],

  ['machines/policy/a.ts', '../failure.ts', undefined],
  ['machines/a.ts', 'xstate', undefined],
  ['src/mqtt/a.ts', 'mqtt', undefined],
  ['src/mqtt/a.ts', '../session/session.ts', undefined],
  ['cli/a.ts', '../visualizer/index.ts', undefined],
  ['cli/a.ts', '../testing/index.ts', undefined],
  ['examples/a.ts', 'xstate-mqtt/testing', undefined],
  ['visualizer/page/src/a.ts', '../../../src/api/describe-failure.ts', undefined],
  ['test/a.ts', '../cli/main.ts', undefined],
])('%s imports %s: %s', (file, specifier, problem) => {
  const found = objection(file, specifier)
  if (problem === undefined) expect(found).toBeUndefined()
  else expect(found).toContain(problem)
})

test('each room of the list exists', () => {
  expect(rooms.map(({ room }) => room).filter((room) => !existsSync(join(root, room)))).toEqual([])
})

test('each source file belongs to a room, and imports what its room may', () => {
  const objections = sources.flatMap((file) =>
    relativeImports(file)
      .map((specifier) => objection(file, specifier))
      .concat(homelessness(file)),
  )
  expect(sources.length).toBeGreaterThan(300)
  expect(objections.filter((each) => each !== undefined)).toEqual([])
})

// The linter follows no `import()`.
test('no imports run in circles, not even through import()', () => {
  expect(circleIn(new Map(sources.map((file) => [file, targetsOf(file)])))).toBeUndefined()
  const circle = Object.entries({ a: ['b'], b: ['c'], c: ['b'] })
  expect(circleIn(new Map(circle))).toEqual(['b', 'c', 'b'])
})

test('no comment switches the rules of imports off', () => {
  const every = /lint-disable(?:-next-line|-line)?[ \t]*(?:--|\*\/|$)/m
  const one = /lint-disable.*\b(?:arrow|no-cycle|consistent-type-imports)\b/
  const isForbidden = (code: string) => every.test(code) || one.test(code)
  // This file has examples.
  const others = sources.filter((file) => file !== 'test/tooling/rooms.test.ts')
  expect(others.filter((file) => isForbidden(codeOf(file)))).toEqual([])
  const names = ['house/arrow', 'eqeqeq, house/arrow', 'import/no-cycle -- because', '', '-- because']
  expect(names.filter((each) => !isForbidden(`// oxlint-disable-next-line ${each}\n`))).toEqual([])
  expect(isForbidden('// oxlint-disable-next-line eslint/no-console -- a program\n')).toBe(false)
})

test('each file that may compute what it imports does so', () => {
  expect(computedImports.filter((file) => !/import\([^'"]/.test(codeOf(file)))).toEqual([])
})

test('the compiler checks each source file', () => {
  const [, included = ''] = /"include": \[([^\]]*)\]/.exec(readFileSync(join(root, 'tsconfig.json'), 'utf8')) ?? []
  const folders = new Set(sources.map((file) => `"${file.split('/')[0]}"`))
  expect([...folders].filter((folder) => !included.includes(folder))).toEqual([])
})

// The linter itself checks this: the rule must be loaded, and see each kind of import.
const broken = {
  'src/api/value.ts': ["import { a } from 'mqtt'\n\nexport const b = a", 'must not import the package mqtt'],
  'src/api/type.ts': [
    "import type { A } from '../client.ts'\n\nexport type B = A",
    'must not import from src/client.ts',
  ],
  'src/api/lazy.ts': ["export const load = () => import('../client.ts')", 'must not import from src/client.ts'],
  'src/api/template.ts': ['export const load = () => import(`../client.ts`)', 'needs a literal string'],
  'src/api/computed.ts': [
    "const name = '../client.ts'\n\nexport const load = () => import(name)",
    'needs a literal string',
  ],
  'src/api/sum.ts': ["export const load = () => import('../' + 'client.ts')", 'needs a literal string'],
  'src/api/module.mts': ["export { a } from '../client.ts'", 'must not import from src/client.ts'],
  'src/nowhere/a.ts': ['export const a = 1', 'src/nowhere/a.ts belongs to no room'],
  'src/nowhere/b.mts': ['export const a = 1', 'src/nowhere/b.mts belongs to no room'],
  'src/api/some.ts': ["export { a } from '../client.ts'", 'must not import from src/client.ts'],
  'src/api/all.ts': ["export * from '../client.ts'", 'must not import from src/client.ts'],
  'src/api/annotation.ts': ["export type B = import('../client.ts').A", 'consistent-type-imports'],
  'src/api/one.ts': ["import type { B } from './two.ts'\n\nexport interface A { b: B }", 'no-cycle'],
  'src/api/two.ts': ["import type { A } from './one.ts'\n\nexport interface B { a: A }", 'no-cycle'],
  'machines/date.ts': ['export const at = Date.now()', 'Time is an argument'],
  'machines/policy/performance.ts': ['export const at = performance.now()', 'Time is an argument'],
  'machines/random.ts': ['export const r = Math.random()', 'Chance is an argument'],
  'machines/destructured.ts': ['export const { random } = Math', 'Chance is an argument'],
  'machines/timeout.ts': ['setTimeout(() => {}, 1)', 'Wait in the machine'],
  'machines/interval.ts': ['setInterval(() => {}, 1)', 'Wait in the machine'],
  'machines/global.ts': ['globalThis.setTimeout(() => {}, 1)', 'A machine must not use globals'],
} as const

const allowed = {
  'src/mqtt/value.ts': "import { a } from 'mqtt'\n\nexport const b = a",
  'src/client.ts': "import type { A } from './api/value.ts'\n\nexport type B = A",
  'machines/now.ts': 'export const at = (now: () => number) => now()',
} as const

test('the linter enforces the list', async () => {
  const findings = await lint({
    ...Object.fromEntries(Object.entries(broken).map(([file, [code]]) => [file, code])),
    ...allowed,
  })
  for (const [file, [, message]] of Object.entries(broken)) {
    expect({ file, found: findings.get(file) ?? [] }).toEqual({
      file,
      found: expect.arrayContaining([expect.stringContaining(message)]),
    })
  }
  for (const file of Object.keys(allowed)) {
    expect({ file, found: findings.get(file) ?? [] }).toEqual({ file, found: [] })
  }
}, 30_000)

function codeOf(file: string): string {
  return readFileSync(join(root, file), 'utf8')
}

/** The specifiers of the relative imports and exports of a file. */
function relativeImports(file: string): string[] {
  const code = codeOf(file).replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '')
  const found = code.matchAll(/^(?:import|export)\b[^'"]*?\bfrom '(\.[^'?]+)|\bimport\('(\.[^'?]+)/gm)
  return [...found].map(([, fixed, lazy]) => fixed ?? lazy ?? '')
}

/** The files that a file imports. */
function targetsOf(file: string): string[] {
  return relativeImports(file).map((specifier) => posix.join(posix.dirname(file), specifier))
}

/** Finds files that import each other in a circle. */
function circleIn(targets: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>()
  const visit = (file: string, way: readonly string[]): string[] | undefined => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file]
    if (done.has(file)) return undefined
    for (const target of targets.get(file) ?? []) {
      const circle = visit(target, [...way, file])
      if (circle) return circle
    }
    done.add(file)
    return undefined
  }
  for (const file of targets.keys()) {
    const circle = visit(file, [])
    if (circle) return circle
  }
  return undefined
}

/** Lints files in a folder of their own, with our rules. */
async function lint(files: Readonly<Record<string, string>>): Promise<Map<string, string[]>> {
  const folder = await mkdtemp(join(tmpdir(), 'xstate-mqtt-rooms-'))
  try {
    for (const [file, code] of Object.entries(files)) {
      await mkdir(dirname(join(folder, file)), { recursive: true })
      await writeFile(join(folder, file), `${code}\n`)
    }
    await cp(join(root, '.oxlintrc.json'), join(folder, '.oxlintrc.json'))
    await cp(join(root, 'scripts/lint'), join(folder, 'scripts/lint'), { recursive: true })
    const { diagnostics } = JSON.parse(await oxlint(folder)) as Report
    const found = new Map<string, string[]>()
    for (const { filename, code, message, help } of diagnostics) {
      found.set(filename, [...(found.get(filename) ?? []), `${code} ${message} ${help ?? ''}`])
    }
    return found
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function oxlint(cwd: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const bin = join(root, 'node_modules', '.bin', 'oxlint')
    execFile(bin, ['-f', 'json', 'src', 'machines'], { cwd }, (error, stdout, stderr) => {
      // Exit code 1 says that there are findings.
      if (stdout.startsWith('{')) resolve(stdout)
      else reject(new Error(stdout + stderr, { cause: error }))
    })
  })
}

interface Report {
  readonly diagnostics: readonly { filename: string; code: string; message: string; help?: string }[]
}
