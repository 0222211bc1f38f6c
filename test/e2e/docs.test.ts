import { afterAll, expect, test } from 'vitest'

import { paste, removePasted } from './pasted.ts'
import { run } from './run.ts'

afterAll(removePasted)

test.each([
  ['docs/testing.md', 0],
  ['docs/testing.md', 1],
  ['docs/testing.md', 3],
] as const)('%s#%i', async (page, index) => {
  const { code, stderr } = await run(paste(page, index))
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})
