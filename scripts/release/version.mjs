// Makes the next version: `changeset version` sets the number in package.json, and the texts of the changesets go into
// CHANGELOG.md. Without changesets, the version in package.json is the one to release. Commits nothing.
import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { releaseChangelog } from './changelog.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file) => readFileSync(join(root, file), 'utf8')

const texts = readdirSync(join(root, '.changeset'))
  .filter((file) => file.endsWith('.md') && file !== 'README.md')
  .toSorted()
  .map((file) => read(join('.changeset', file)).replace(/^---\n[^]*?\n---\n/, ''))

// A text that CHANGELOG.md cannot take must fail before the changesets are deleted.
releaseChangelog(read('CHANGELOG.md'), texts, 'next', 'today')

if (texts.length > 0) {
  const changeset = fileURLToPath(new URL('node_modules/.bin/changeset', import.meta.url))
  const { status } = spawnSync(changeset, ['version'], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exit(status ?? 1)
}

const { version } = JSON.parse(read('package.json'))
const date = new Date().toISOString().slice(0, 10)
const changelog = releaseChangelog(read('CHANGELOG.md'), texts, version, date)
writeFileSync(join(root, 'CHANGELOG.md'), changelog)

const lock = JSON.parse(read('package-lock.json'))
lock.version = version
lock.packages[''].version = version
writeFileSync(join(root, 'package-lock.json'), `${JSON.stringify(lock, null, 2)}\n`)
console.log(
  `CHANGELOG.md has a section for ${version}. Review and commit it, tag the commit v${version}, and push the tag.`,
)
