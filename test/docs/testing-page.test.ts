import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('../../', import.meta.url)
const page = new URL('docs/testing.md', root)
const text = readFileSync(page, 'utf8')

const shown = [...text.matchAll(/<!-- file: (\S+) -->\n\n```\w+\n([^]*?)```\n\n<!-- \/file -->/g)]

test('the page shows test files for each tool', () => {
  expect(shown.map(([, file]) => file)).toEqual([
    'test/docs/testing/app.test.ts',
    'test/docs/testing/fake-timers.test.ts',
    'test/runners/tests/jest.test.js',
    'test/runners/jest.commonjs.config.js',
    'test/runners/tests/node.test.js',
    'test/docs/testing/test-clock.test.ts',
    'test/docs/testing/sinon.test.ts',
    'test/docs/testing/outage.test.ts',
  ])
})

test.each(shown.map(([block, file = '', code]) => ({ block, file, code })))(
  '$file is the file that runs',
  (example) => {
    const { block, file, code = '' } = example
    const source = readFileSync(new URL(file, root), 'utf8')
    if (process.env.UPDATE_DOCS) {
      const now = readFileSync(page, 'utf8')
      writeFileSync(
        page,
        now.replace(block, () => block.replace(`\n${code}\`\`\``, () => `\n${source}\`\`\``)),
      )
      return
    }
    expect(code, 'UPDATE_DOCS=1 npx vitest run --project unit test/docs/testing-page.test.ts').toBe(source)
  },
)
