import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, onTestFinished } from 'vitest'

/** A folder of one test; it is removed after the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'xstate-mqtt-test-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A folder that the tests of a file share; it is removed after the last of them. Call it at the top of the file. */
export function sharedFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'xstate-mqtt-test-'))
  afterAll(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
