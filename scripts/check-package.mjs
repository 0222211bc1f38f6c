// Packs the files that npm would publish, checks the tarball with publint and attw, embeds its machines as a user would, and
// checks that dist imports only packages that are installed with it.
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
import { fileURLToPath } from 'node:url'

/**
 * The package of an import: of a statement, which begins a line, or of `import()`. Text in the middle of a line may be source
 * code that the file writes.
 */
const IMPORT = /(?:^\s*(?:import|export)\b(?:[^'"=(;]*\bfrom)?\s*|\bimport\s*\(\s*)['"]([\w@][^'"]*)['"]/gm

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')

if (existsSync(dist)) process.exitCode = [strangers(), isForClients(), pack()].every(Boolean) ? 0 : 1
else {
  console.error('There is no dist folder: run npm run build')
  process.exitCode = 1
}

/** Finds imports of packages that users do not get, such as devDependencies, in the code and the types of dist. */
function strangers() {
  const { name, dependencies, peerDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
  const known = new Set([name, ...Object.keys(dependencies), ...Object.keys(peerDependencies)])
  const found = readdirSync(dist, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(js|d\.ts)$/.test(file))
    .flatMap((file) => {
      const code = readFileSync(join(dist, file), 'utf8').replaceAll(/\/\*[^]*?\*\/|^\s*\/\/.*$/gm, '')
      return [...code.matchAll(IMPORT)]
        .map(([, specifier]) => specifier)
        .filter((specifier) => !isBuiltin(specifier) && !known.has(/^(@[^/]+\/)?[^/]+/.exec(specifier)[0]))
        .map((specifier) => `dist/${file} imports ${specifier}, which is neither a dependency nor a peer dependency`)
    })
  for (const line of found) console.error(line)
  return found.length === 0
}

/** Whether the hooks begin with the directive that lets a server component of Next.js import them. */
function isForClients() {
  const isFirst = readFileSync(join(dist, 'react', 'index.js'), 'utf8').startsWith("'use client'")
  if (!isFirst) console.error("dist/react/index.js does not begin with 'use client'")
  return isFirst
}

function pack() {
  const out = mkdtempSync(join(tmpdir(), 'xstate-mqtt-pack-'))
  try {
    const npm = ['pack', '--json', '--ignore-scripts', '--pack-destination', out]
    const [{ filename }] = JSON.parse(
      execFileSync('npm', npm, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }),
    )
    const tarball = join(out, filename)
    return [
      run('publint', tarball, '--strict'),
      run('attw', tarball, '--profile', 'esm-only'),
      embed(tarball, join(out, 'user')),
    ].every(Boolean)
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
  return spawnSync(join(root, 'node_modules', '.bin', tool), args, { stdio: 'inherit' }).status === 0
}
