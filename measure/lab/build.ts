import { fileURLToPath } from 'node:url'

import { build } from 'esbuild'

/**
 * Compiles a program that runs in a process of its own, as a user's build would: what tsx makes of it names every
 * closure as it runs.
 *
 * @returns the compiled file
 */
export async function compile(source: URL): Promise<string> {
  const outfile = fileURLToPath(new URL(source.href.replace(/([^/]+)\.ts$/, '.cache/$1.mjs')))
  await build({
    entryPoints: [fileURLToPath(source)],
    outfile,
    bundle: true,
    packages: 'external',
    platform: 'node',
    format: 'esm',
    target: 'node20',
  })
  return outfile
}
