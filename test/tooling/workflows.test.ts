import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

const folder = fileURLToPath(new URL('../../.github/workflows', import.meta.url))
const workflows = readdirSync(folder).map((name) => [name, readFileSync(join(folder, name), 'utf8')] as const)

// A tag can be moved to other code, a commit cannot.
test.each(workflows)('%s pins each action to a commit, and names its version', (_, text) => {
  const used = [...text.matchAll(/uses: (.*)/g)].map(([, action]) => action)
  expect(used.length).toBeGreaterThan(0)
  expect(used.filter((action) => !/^[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/.test(`${action}`))).toEqual([])
})

test.each(workflows)('%s may write nothing by default', (_, text) => {
  expect(text).toMatch(/^permissions:\n {2}contents: read\n\n/m)
})
