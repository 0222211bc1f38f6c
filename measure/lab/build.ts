import { build } from 'esbuild'
import { fileURLToPath } from 'node:url'

/**
 * Compiles a program that runs in a separate process, as a user's build would do. Code that tsx compiles would run slower,
 * because it sets the name of each closure at run time.
 *
 * @returns the path of the compiled file
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
