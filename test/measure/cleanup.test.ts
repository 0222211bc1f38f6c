import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** It makes a folder, tells where, and stays. */
const SCRIPT = `
  import { beforeExit, TemporaryFolder } from './measure/lab/cleanup.ts'
  const folder = new TemporaryFolder('cleanup')
  beforeExit(() => console.log('first'))()
  beforeExit(() => console.log('second'))
  console.log(folder.path)
  setInterval(() => {}, 1_000)
`

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s leaves nothing behind, and ends with %i', async (signal, code) => {
  const args = ['--import', 'tsx', '--input-type=module', '-e', SCRIPT]
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] })
  const [path] = (await once(child.stdout, 'data')).map((chunk) => String(chunk).trim())
  expect(existsSync(path ?? '')).toBe(true)
  const rest = once(child.stdout, 'data')
  child.kill(signal)
  expect(await once(child, 'exit')).toEqual([code, null])
  expect(String((await rest)[0])).toBe('second\n')
  expect(existsSync(path ?? '')).toBe(false)
})
