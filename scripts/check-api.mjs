// Checks that the docstrings of everything that the package exports are complete, and that docs/api was generated from them.
import { existsSync, readFileSync } from 'node:fs'

import { undocumented } from './api/documented.mjs'
import { declarationsHash } from './api/entries.mjs'

const page = new URL('../docs/api/README.md', import.meta.url)

const problems = undocumented()
if (!existsSync(page) || !readFileSync(page, 'utf8').includes(declarationsHash())) {
  problems.push('docs/api is out of date: npm run docs:api')
}
for (const problem of problems) console.error(problem)
process.exitCode = problems.length > 0 ? 1 : 0
