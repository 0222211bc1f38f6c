import { build } from 'esbuild'
import { fileURLToPath } from 'node:url'

import type { ResilientMqttClient } from '../../src/index.ts'

declare global {
  // In a page with the script of `clientScript`.
  var XstateMqtt: { ResilientMqttClient: typeof ResilientMqttClient }
  var client: ResilientMqttClient
}

/** The package as a script for `page.addScriptTag`. The page finds it in `XstateMqtt`. */
export async function clientScript(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('../../src/index.ts', import.meta.url))],
    bundle: true,
    format: 'iife',
    globalName: 'XstateMqtt',
    platform: 'browser',
    target: 'es2022',
    external: ['browser-level'],
    define: { global: 'globalThis' },
    write: false,
  })
  return outputFiles[0]?.text ?? ''
}
