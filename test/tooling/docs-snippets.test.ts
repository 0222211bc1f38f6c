import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeAll, describe, expect, test } from 'vitest'

import { sharedFolder } from '../support/temporary-folder.ts'

const script = fileURLToPath(new URL('../../scripts/docs-snippets.mjs', import.meta.url))
const folder = sharedFolder()

const refused: [name: string, page: string, message: string][] = [
  ['a type error', block('ts', "const n: number = 'one'"), ':4:7 error TS2322'],
  ['a name that is not exported', block('ts', "import { nope } from 'xstate-mqtt'"), ':4:'],
  ['an undeclared name', block('ts', 'client.publish()'), ':4:1 error TS2304'],
  ['a name of the block before', block('ts', 'const n = 1') + block('ts', 'n.toFixed()'), ':9:1 error'],
  ['a block in a list', '- item\n\n  ```ts\n  const n: number = true\n  ```\n', ':4:7 error TS2322'],
  [
    'what parses, unchecked',
    block('ts no-check', 'const n = 1'),
    ':3 no-check is for blocks that are not valid TypeScript',
  ],
  ['an unknown word', block('ts twoslash', 'const n = 1'), ':3 a ts block allows only the word no-check'],
  ['an unknown script', block('sh', 'npm run nope'), ':4 there is no package script "nope"'],
  ['an unknown example', block('sh', 'npx tsx examples/nope.ts'), ':4 there is no file examples/nope.ts'],
]
const accepted: [name: string, page: string][] = [
  [
    'a block that compiles',
    block('ts', "import { setup } from 'xstate'\n\nconst machine = setup({}).createMachine({})\n"),
  ],
  ['two blocks with the same names', block('ts', 'const n = 1') + block('ts', 'const n = 2')],
  ['an outline that is not TypeScript', block('ts no-check', 'publish(topic, …): Promise<void>')],
  ['a known script', block('sh', 'npm run check && npm test')],
  ['other languages', block('json', '{ ') + block('', 'npm run nope')],
]

// The compiler takes most of the time: it runs once for all pages of a kind.
describe('refuses', () => {
  let run: ReturnType<typeof check>
  beforeAll(() => void (run = check('refused', refused)))

  test.each(refused.map(([name, , message], index) => [name, `refused-${index}.md${message}`]))('%s', (_name, line) => {
    expect(run.output).toContain(line)
    expect(run.status).toBe(1)
  })
})

test('accepts all others', () => {
  const { status, output } = check('accepted', accepted)
  expect({ status, problems: output.match(/\d+ problems/)?.[0] }).toEqual({ status: 0, problems: '0 problems' })
})

function block(info: string, code: string): string {
  return `# Page\n\n\`\`\`${info}\n${code}\n\`\`\`\n`
}

/** Writes each page to a file of its own, and checks them together. */
function check(name: string, pages: readonly (readonly [name: string, page: string, ...rest: string[]])[]) {
  const files = pages.map(([, page], index) => {
    const file = join(folder, `${name}-${index}.md`)
    writeFileSync(file, page)
    return file
  })
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, ...files], { encoding: 'utf8' })
  return { status, output: stdout + stderr }
}
