import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

import { build, type Metafile } from 'esbuild'

const OURS = fileURLToPath(new URL('../../src/index.ts', import.meta.url))
const FOLDER = fileURLToPath(new URL('..', import.meta.url))

/**
 * Minified and gzipped, as a browser gets it: our own code alone, and with everything that it needs.
 *
 * It is what a page downloads whose clients have no option `store`: the entry and what it imports statically. The code of
 * the store is a chunk of its own, loaded with the first client that has one, and is not counted. A bundler that does not
 * split code puts it into the one file all the same.
 */
export async function bundleSizes(peer: 'ours' | 'mqttjs') {
  const entry = peer === 'ours' ? OURS : 'mqtt'
  const withDependencies = await sizeOf(entry, 'bundle')
  return peer === 'ours' ? { own: await sizeOf(entry, 'external'), withDependencies } : { withDependencies }
}

async function sizeOf(entry: string, packages: 'bundle' | 'external'): Promise<number> {
  const { outputFiles, metafile } = await build({
    stdin: {
      contents:
        entry === 'mqtt'
          ? `import mqtt from 'mqtt'; console.log(mqtt.connect)`
          : `import { ResilientMqttClient } from ${JSON.stringify(entry)}; console.log(ResilientMqttClient)`,
      resolveDir: FOLDER,
    },
    absWorkingDir: FOLDER,
    bundle: true,
    splitting: true,
    outdir: '.',
    metafile: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    // No `conditions` of our own: `module`, by which bundlers find the ES modules of XState, would be missing then.
    logLevel: 'silent',
    // The optional store for Node.
    external: ['classic-level'],
    ...(packages === 'external' && { packages: 'external' as const }),
  })
  const downloaded = staticChunks(metafile.outputs, 'stdin.js')
  return outputFiles
    .filter(({ path }) => downloaded.has(path.slice(FOLDER.length)))
    .reduce((bytes, { contents }) => bytes + gzipSync(contents, { level: 9 }).byteLength, 0)
}

/** An output, and all that it imports other than by `import()`. */
function staticChunks(outputs: Metafile['outputs'], entry: string, found = new Set<string>()): Set<string> {
  found.add(entry)
  for (const { path, kind, external } of outputs[entry]?.imports ?? []) {
    if (kind === 'import-statement' && !external && !found.has(path)) staticChunks(outputs, path, found)
  }
  return found
}
