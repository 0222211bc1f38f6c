import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { beforeAll, expect, test } from 'vitest'

import { compile } from '../../measure/lab/build.ts'

let program = ''

beforeAll(async () => {
  program = await compile(new URL('leaving-process.ts', import.meta.url))
})

test.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)('%s leaves nothing behind, and ends with %i', async (signal, code) => {
  const child = spawn(process.execPath, [program], { stdio: ['ignore', 'pipe', 'inherit'] })
  const [path] = (await once(child.stdout, 'data')).map((chunk) => String(chunk).trim())
  expect(existsSync(path ?? '')).toBe(true)
  const rest = once(child.stdout, 'data')
  child.kill(signal)
  expect(await once(child, 'exit')).toEqual([code, null])
  expect(String((await rest)[0])).toBe('second\n')
  expect(existsSync(path ?? '')).toBe(false)
})
