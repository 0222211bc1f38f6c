import { fileURLToPath } from 'node:url'
import { gzipSync } from 'node:zlib'

import { build } from 'esbuild'

const OURS = fileURLToPath(new URL('../src/index.ts', import.meta.url))

/** Minified and gzipped, as a browser gets it: our own code alone, and with everything that it needs. */
export async function bundleSizes(peer: 'ours' | 'mqttjs') {
  const entry = peer === 'ours' ? OURS : 'mqtt'
  const withDependencies = await sizeOf(entry, 'bundle')
  return peer === 'ours' ? { own: await sizeOf(entry, 'external'), withDependencies } : { withDependencies }
}

async function sizeOf(entry: string, packages: 'bundle' | 'external'): Promise<number> {
  const result = await build({
    stdin: {
      contents:
        entry === 'mqtt'
          ? `import mqtt from 'mqtt'; console.log(mqtt.connect)`
          : `import { ResilientMqttClient } from ${JSON.stringify(entry)}; console.log(ResilientMqttClient)`,
      resolveDir: fileURLToPath(new URL('..', import.meta.url)),
    },
    bundle: true,
    minify: true,
    write: false,
    format: 'esm',
    platform: 'browser',
    target: 'es2022',
    conditions: ['browser', 'import', 'default'],
    mainFields: ['browser', 'module', 'main'],
    logLevel: 'silent',
    // The optional store for Node.
    external: ['classic-level'],
    ...(packages === 'external' && { packages: 'external' as const }),
  })
  return gzipSync(result.outputFiles[0]?.contents ?? '', { level: 9 }).byteLength
}
