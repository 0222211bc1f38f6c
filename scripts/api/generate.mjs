// Writes docs/api, one page for each entry of the package, from the declarations in dist: run npm run build first.
import { spawnSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { declarationsHash, entries } from './entries.mjs'

const here = fileURLToPath(new URL('.', import.meta.url))
const pages = fileURLToPath(new URL('../../docs/api', import.meta.url))
const folder = join(here, '.cache')

// TypeDoc names a page after the file, and all entries are files called index.
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder)
const files = entries().map(({ page, types }) => {
  const file = join(folder, `${page}.ts`)
  writeFileSync(file, `export * from '../../../${types.replace(/\.d\.ts$/, '.js')}'\n`)
  return file
})

const typedoc = join(here, 'node_modules', '.bin', 'typedoc')
const { status } = spawnSync(typedoc, ['--options', join(here, 'typedoc.json'), '--out', pages, ...files], {
  cwd: here,
  stdio: 'inherit',
})
if (status !== 0) process.exit(status ?? 1)

for (const { page, specifier } of entries()) {
  const file = join(pages, `${page}.md`)
  const text = readFileSync(file, 'utf8')
    .replace(/^# .*/, `# ${specifier}`)
    // Defaults of functions are words, not code.
    .replaceAll(/^(#+ Default)\n\n```ts\n([^`]*)\n```$/gm, '$1\n\n$2')
  writeFileSync(file, text)
}
const list = entries().map(({ page, specifier }) => `- [${specifier}](${page}.md)`)
writeFileSync(
  join(pages, 'README.md'),
  `# API reference

Generated from the docstrings by \`npm run docs:api\`; the numbers are those of the sources. All durations are in milliseconds, unless
a name or a description says otherwise.

${list.join('\n')}

<!-- declarations: ${declarationsHash()} -->
`,
)
console.log(`${readdirSync(pages).length} pages in docs/api`)
