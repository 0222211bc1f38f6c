// Compiles a file of a user, which imports all entries of the package, with each version of TypeScript.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('.', import.meta.url))
const OPTIONS =
  '--noEmit --strict --exactOptionalPropertyTypes --module nodenext --target es2022 --lib es2023,dom --types node'
const ONLY_OTHERS = /^(?:\.\.\/)*node_modules\/(?!xstate-mqtt\/)/

/** @returns the versions with what they complain about, if they check the declarations of packages too, and if not */
export function compileWithEach() {
  return readdirSync(`${root}node_modules`)
    .filter((name) => name.startsWith('typescript-'))
    .map((name) => {
      const { version } = JSON.parse(readFileSync(`${root}node_modules/${name}/package.json`, 'utf8'))
      return { version, usual: errors(name, ['--skipLibCheck']), checked: errors(name, []) }
    })
}

/** The errors that concern us, and how many there are in other packages. */
function errors(name, options) {
  const args = [`node_modules/${name}/bin/tsc`, ...OPTIONS.split(' '), ...options, 'checks/types.ts']
  if (name.endsWith('-6.0') || name.endsWith('-7.0')) args.push('--ignoreConfig')
  const { stdout } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  const lines = stdout.split('\n').filter((line) => /error TS\d+/.test(line))
  return {
    ours: lines.filter((line) => !ONLY_OTHERS.test(line)),
    others: lines.filter((line) => ONLY_OTHERS.test(line)),
  }
}
