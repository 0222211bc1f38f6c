// Packs the files that npm would publish, and checks the tarball: with publint and attw, by embedding its machines as a user
// would, its list of files, its licenses, that dist imports only packages that are installed with it, and that no file of it
// has a side effect. The sizes in the documents may be off by a tenth. UPDATE_DOCS=1 writes these and docs/licenses.md.
import { execFileSync, spawnSync } from 'node:child_process'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { isBuiltin } from 'node:module'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { tarballTable, wrongFiles } from './package/contents.mjs'
import { readBlock, readText, writeBlock, writeText } from './package/docs-block.mjs'
import { findEffects } from './package/effects.mjs'
import { importSizes, importTable, toldSizes } from './package/import-sizes.mjs'
import { licenses } from './package/licenses.mjs'
import { dist, manifest, root } from './package/root.mjs'
import { sameWithin } from './package/same-within.mjs'

/**
 * The package of an import: of a statement, which begins a line, or of `import()`. Text in the middle of a line may be source
 * code that the file writes.
 */
const IMPORT = /(?:^\s*(?:import|export)\b(?:[^'"=(;]*\bfrom)?\s*|\bimport\s*\(\s*)['"]([\w@][^'"]*)['"]/gm
const UPDATE = 'UPDATE_DOCS=1 npm run check:package'

const problems = existsSync(dist)
  ? [
      ...strangers(),
      ...checkDirective(),
      ...findEffects(),
      ...checkLicenses(),
      ...checkImportSizes(await importSizes()),
      ...pack(),
    ]
  : ['There is no dist folder: run npm run build']
for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0

/** Finds imports of packages that users do not get, such as devDependencies, in the code and the types of dist. */
function strangers() {
  const { name, dependencies, peerDependencies } = manifest
  const known = new Set([name, ...Object.keys(dependencies), ...Object.keys(peerDependencies)])
  return readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(js|d\.ts)$/.test(file))
    .flatMap((file) => {
      const code = readFileSync(join(dist, file), 'utf8').replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '')
      return [...code.matchAll(IMPORT)]
        .map(([, specifier]) => specifier)
        .filter((specifier) => !isBuiltin(specifier) && !known.has(/^(@[^/]+\/)?[^/]+/.exec(specifier)[0]))
        .map((specifier) => `dist/${file} imports ${specifier}, which is neither a dependency nor a peer dependency`)
    })
}

function checkLicenses() {
  const { blocks, problems: bad } = licenses()
  return [...bad, ...Object.entries(blocks).flatMap(([name, text]) => check('docs/licenses.md', name, text, 0))]
}

function checkImportSizes(sizes) {
  return [
    ...check('docs/package.md', 'imports', importTable(sizes), 0.1),
    ...toldSizes(sizes).flatMap(({ page, pattern, text }) => {
      if (process.env.UPDATE_DOCS) writeText(page, pattern, text)
      return sameWithin(0.1, readText(page, pattern), text) ? [] : [outOfDate(page, text)]
    }),
  ]
}

/** Compares a block of a page with what it should be, or writes it. */
function check(page, name, text, tolerance) {
  if (process.env.UPDATE_DOCS) writeBlock(page, name, text)
  if (sameWithin(tolerance, readBlock(page, name), text)) return []
  return [outOfDate(page, text)]
}

function outOfDate(page, text) {
  return `${page} is out of date. It should say:\n\n${text}\n\nIf that is as intended: ${UPDATE}\n`
}

/** The hooks begin with the directive that lets a server component of Next.js import them. */
function checkDirective() {
  const begins = readFileSync(join(dist, 'react', 'index.js'), 'utf8').startsWith("'use client'")
  return begins ? [] : ["dist/react/index.js does not begin with 'use client'"]
}

function pack() {
  const out = mkdtempSync(join(tmpdir(), 'xstate-mqtt-pack-'))
  try {
    const npm = ['pack', '--json', '--ignore-scripts', '--pack-destination', out]
    const packed = JSON.parse(
      execFileSync('npm', npm, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    )[0]
    const tarball = join(out, packed.filename)
    return [
      ...wrongFiles(packed.files.map(({ path }) => path)),
      ...check('docs/package.md', 'tarball', tarballTable(packed), 0.1),
      ...run('publint', tarball, '--strict'),
      ...run('attw', tarball, '--profile', 'esm-only'),
      ...embed(tarball, join(out, 'user')),
    ]
  } finally {
    rmSync(out, { recursive: true })
  }
}

/** Compiles a user's file that exports a machine with ours inside: the compiler must be able to name all its types. */
function embed(tarball, user) {
  const code = `import { setup } from 'xstate'
import { connectionMachine, periodicRequestMachine, subscriptionsMachine } from 'xstate-mqtt/machines'
const actors = { connection: connectionMachine, request: periodicRequestMachine, subscriptions: subscriptionsMachine }
export const parent = setup({ actors }).createMachine({ invoke: { src: 'connection', input: {} } })
export const provided = [connectionMachine.provide({}), periodicRequestMachine.provide({}), subscriptionsMachine.provide({})]
`
  const modules = join(user, 'node_modules')
  const library = join(modules, 'xstate-mqtt')
  mkdirSync(library, { recursive: true })
  execFileSync('tar', ['-xzf', tarball, '-C', library, '--strip-components', '1'])
  for (const installed of ['xstate', 'mqtt', 'mqtt-packet', '@types']) {
    symlinkSync(join(root, 'node_modules', installed), join(modules, installed), 'dir')
  }
  writeFileSync(join(user, 'package.json'), '{ "type": "module" }')
  writeFileSync(join(user, 'embedding.ts'), code)
  const options = ['--declaration', '--emitDeclarationOnly', '--strict', '--module', 'nodenext', '--target', 'es2022']
  return run('tsc', join(user, 'embedding.ts'), '--ignoreConfig', '--skipLibCheck', ...options)
}

function run(tool, ...args) {
  const { status } = spawnSync(join(root, 'node_modules', '.bin', tool), args, { stdio: 'inherit' })
  return status === 0 ? [] : [`${tool} failed`]
}
