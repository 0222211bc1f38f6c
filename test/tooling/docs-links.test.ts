import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'

import { temporaryFolder } from '../support/temporary-folder.ts'

const script = fileURLToPath(new URL('../../scripts/docs-links.mjs', import.meta.url))

test('every link of the pages leads somewhere, the README stays in the package, and the index is complete', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, [script], { encoding: 'utf8' })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(Number.parseInt(stdout, 10)).toBeGreaterThan(20)
})

test('refuses links that lead nowhere, and nothing else', () => {
  const page = join(temporaryFolder(), 'page.md')
  const lines = [
    '# Page `one`: a & b',
    '# Twice',
    '# Twice',
    '[file](nope.md)',
    '[heading](page.md#nope)',
    '[own heading](#nope)',
    '![picture](nope.png)',
    '<img src="nope.svg">',
    '[heading](#page-one-a--b) [again](page.md#twice-1) [URL](https://example.com/nope#nope) `[code](nope.md)`',
    '```md',
    '[code](nope.md)',
    '```',
  ]
  writeFileSync(page, lines.join('\n'))
  const { status, stderr } = spawnSync(process.execPath, [script, page], { encoding: 'utf8' })
  expect(status).toBe(1)
  expect([...stderr.matchAll(/page\.md:(\d+) there is no/g)].map(([, line]) => Number(line))).toEqual([4, 5, 6, 7, 8])
})
