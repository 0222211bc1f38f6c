import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, expect, test } from 'vitest'

const script = fileURLToPath(new URL('../../scripts/docs-snippets.mjs', import.meta.url))
const folder = mkdtempSync(join(tmpdir(), 'xstate-mqtt-docs-'))

afterAll(() => rmSync(folder, { recursive: true, force: true }))

test.each([
  ['a type error', block('ts', "const n: number = 'one'"), 'page.md:4:7 error TS2322'],
  ['a name that is not exported', block('ts', "import { nope } from 'xstate-mqtt'"), 'page.md:4:'],
  ['an undeclared name', block('ts', 'client.publish()'), 'page.md:4:1 error TS2304'],
  ['a name of the block before', block('ts', 'const n = 1') + block('ts', 'n.toFixed()'), 'page.md:9:1 error'],
  ['a block in a list', '- item\n\n  ```ts\n  const n: number = true\n  ```\n', 'page.md:4:7 error TS2322'],
  ['what parses, unchecked', block('ts no-check', 'const n = 1'), 'page.md:3 no-check is for what is not TypeScript'],
  ['an unknown word', block('ts twoslash', 'const n = 1'), 'page.md:3 a ts block takes no words but no-check'],
  ['an unknown script', block('sh', 'npm run nope'), 'page.md:4 there is no package script "nope"'],
  ['an unknown example', block('sh', 'npx tsx examples/nope.ts'), 'page.md:4 there is no file examples/nope.ts'],
])('refuses %s', (_name, page, message) => {
  const { status, output } = check(page)
  expect(output).toContain(message)
  expect(status).toBe(1)
})

test.each([
  [
    'a block that compiles',
    block('ts', "import { setup } from 'xstate'\n\nconst machine = setup({}).createMachine({})\n"),
  ],
  ['two blocks with the same names', block('ts', 'const n = 1') + block('ts', 'const n = 2')],
  ['an outline that is not TypeScript', block('ts no-check', 'publish(topic, …): Promise<void>')],
  ['a known script', block('sh', 'npm run check && npm test')],
  ['other languages', block('json', '{ ') + block('', 'npm run nope')],
])('accepts %s', (_name, page) => {
  expect(check(page)).toMatchObject({ status: 0 })
})

function block(info: string, code: string): string {
  return `# Page\n\n\`\`\`${info}\n${code}\n\`\`\`\n`
}

function check(page: string): { status: number | null; output: string } {
  const file = join(folder, 'page.md')
  writeFileSync(file, page)
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, file], { encoding: 'utf8' })
  return { status, output: stdout + stderr }
}
