// Makes the next version: `changeset version` sets the number in package.json, and the texts of the changesets go into
// CHANGELOG.md. Without changesets, the version in package.json is the one to release. Commits nothing.
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { releaseChangelog } from './changelog.mjs'

const root = fileURLToPath(new URL('../..', import.meta.url))
const read = (file) => readFileSync(join(root, file), 'utf8')

const changesets = readdirSync(join(root, '.changeset'))
  .filter((file) => file.endsWith('.md') && file !== 'README.md')
  .toSorted()
const texts = changesets.map((file) => read(join('.changeset', file)).replace(/^---\n[^]*?\n---\n/, ''))

// A text that CHANGELOG.md cannot take must fail before the changesets are deleted.
releaseChangelog(read('CHANGELOG.md'), texts, 'next', 'today')

if (texts.length > 0) setVersion()

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

/**
 * Sets the version in package.json, and deletes the changesets. Changesets does not know the root of a workspace as a package,
 * so it works on a copy that has no workspaces.
 */
function setVersion() {
  const copy = mkdtempSync(join(tmpdir(), 'xstate-mqtt-version-'))
  try {
    const { workspaces: _, ...manifest } = JSON.parse(read('package.json'))
    writeFileSync(join(copy, 'package.json'), JSON.stringify(manifest))
    cpSync(join(root, '.changeset'), join(copy, '.changeset'), { recursive: true })
    const changeset = fileURLToPath(new URL('node_modules/.bin/changeset', import.meta.url))
    const { status } = spawnSync(changeset, ['version'], { cwd: copy, stdio: 'inherit' })
    if (status !== 0) throw new Error(`changeset version ended with ${status}`)
    const next = JSON.parse(readFileSync(join(copy, 'package.json'), 'utf8')).version
    writeFileSync(
      join(root, 'package.json'),
      read('package.json').replace(/"version": "[^"]*"/, `"version": "${next}"`),
    )
    for (const file of changesets) rmSync(join(root, '.changeset', file))
  } finally {
    rmSync(copy, { recursive: true })
  }
}
