// The runtimes, and how each starts a script. npm does not run the install scripts of their packages (`--ignore-scripts`), so
// these are the packages that contain the programs themselves, for Linux on x64.
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

/** @typedef {{ name: string, command: readonly string[] }} Runtime */

/** @type {readonly Runtime[]} */
export const runtimes = [
  { name: 'Node 20', command: [program('node20/bin/node')] },
  { name: 'Node 22.12', command: [program('node22-oldest/bin/node')] },
  { name: 'Node 22', command: [program('node22/bin/node')] },
  { name: 'Node 24', command: [program('node24/bin/node')] },
  { name: 'Node 26', command: [program('node26/bin/node')] },
  { name: 'Bun', command: [program('@oven/bun-linux-x64/bin/bun')] },
  {
    name: 'Deno',
    // `read` for the packages, `write` and `ffi` for a store, `sys` for the visualizer.
    command: [
      program('@deno/linux-x64-glibc/deno'),
      'run',
      '--no-prompt',
      '--node-modules-dir=manual',
      ...['net', 'env', 'read', 'write', 'ffi', 'sys'].map((permission) => `--allow-${permission}`),
    ],
  },
]

/** The name of a runtime with its version. */
export function heading(name, [binary]) {
  const [version] = /\d+[.-]\d+[.-]\d+/.exec(execFileSync(binary, ['--version'], { encoding: 'utf8' })) ?? []
  return `${name.split(' ')[0]} ${version ?? ''}`
}

export const workerd = program('@cloudflare/workerd-linux-64/bin/workerd')

function program(path) {
  return fileURLToPath(new URL(`node_modules/${path}`, import.meta.url))
}
