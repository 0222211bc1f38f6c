import { build, type Metafile } from 'esbuild'
import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

const OURS = fileURLToPath(new URL('../../src/index.ts', import.meta.url))
const FOLDER = fileURLToPath(new URL('..', import.meta.url))

/**
 * The size of the code that a browser downloads, minified and gzipped: the library alone, and with its dependencies.
 *
 * It counts the entry and its static imports, which is all that a page needs whose clients do not have the option `store`.
 * The code of the store is a separate chunk, which is loaded with the first client that has a store, and is not counted. A
 * bundler that does not split code puts it into the same file.
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
    // Do not set `conditions`: that would drop `module`, with which bundlers find the ES modules of XState.
    logLevel: 'silent',
    // Node's optional package for the store.
    external: ['classic-level'],
    ...(packages === 'external' && { packages: 'external' as const }),
  })
  const downloaded = staticChunks(metafile.outputs, 'stdin.js')
  return outputFiles
    .filter(({ path }) => downloaded.has(path.slice(FOLDER.length)))
    .reduce((bytes, { contents }) => bytes + gzipSync(contents, { level: 9 }).byteLength, 0)
}

/** The names of an output and of its static imports. */
function staticChunks(outputs: Metafile['outputs'], entry: string, found = new Set<string>()): Set<string> {
  found.add(entry)
  for (const { path, kind, external } of outputs[entry]?.imports ?? []) {
    if (kind === 'import-statement' && !external && !found.has(path)) staticChunks(outputs, path, found)
  }
  return found
}
