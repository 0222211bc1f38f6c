import { readFileSync, writeFileSync } from 'node:fs'
import { expect, test } from 'vitest'

const root = new URL('../../', import.meta.url)
const pages = ['docs/testing.md', 'docs/react.md'].map((path) => new URL(path, root))

const shown = pages.flatMap((page) =>
  [...readFileSync(page, 'utf8').matchAll(/<!-- file: (\S+) -->\n\n```\w+\n([^]*?)```\n\n<!-- \/file -->/g)].map(
    ([block, file = '', code = '']) => ({ page, block, file, code }),
  ),
)

test('the pages show test files for each tool', () => {
  expect(shown.map(({ file }) => file)).toEqual([
    'test/docs/testing/app.test.ts',
    'test/docs/testing/fake-timers.test.ts',
    'test/runners/tests/jest.test.js',
    'test/runners/jest.commonjs.config.mjs',
    'test/runners/jest.jsdom.config.mjs',
    'test/runners/tests/node.test.js',
    'test/docs/testing/test-clock.test.ts',
    'test/docs/testing/sinon.test.ts',
    'test/docs/testing/outage.test.ts',
    'test/docs/react/door.test.tsx',
  ])
})

test.each(shown)('$file is the file that runs', ({ page, block, file, code }) => {
  // Here JSX is Preact's, unless a file says otherwise.
  const source = readFileSync(new URL(file, root), 'utf8').replace('/** @jsxImportSource react */\n', '')
  if (process.env.UPDATE_DOCS) {
    const now = readFileSync(page, 'utf8')
    writeFileSync(
      page,
      now.replace(block, () => block.replace(`\n${code}\`\`\``, () => `\n${source}\`\`\``)),
    )
    return
  }
  expect(code, 'UPDATE_DOCS=1 npx vitest run --project unit test/docs/testing-page.test.ts').toBe(source)
})
