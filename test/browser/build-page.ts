import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'
import type { TestProject } from 'vitest/node'

import { noBrowser } from '../../measure/lab/browser.ts'

declare module 'vitest' {
  interface ProvidedContext {
    /** The folder of the page, built from the current sources. */
    readonly pageFolder: string
  }
}

const outDir = mkdtempSync(join(tmpdir(), 'xstate-mqtt-page-'))

/** Builds the page once for all files. */
export async function setup({ provide }: TestProject): Promise<void> {
  const configFile = fileURLToPath(new URL('../../visualizer/page/vite.config.ts', import.meta.url))
  if (!noBrowser) await build({ configFile, logLevel: 'error', build: { outDir } })
  provide('pageFolder', outDir)
}

export function teardown(): void {
  rmSync(outDir, { recursive: true, force: true })
}
