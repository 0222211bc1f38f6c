/** The order of the sections of a version. */
const KINDS = ['Added', 'Changed', 'Deprecated', 'Removed', 'Fixed', 'Security']
const UNRELEASED = '## Unreleased'
const NOTHING = 'There is nothing to release: neither a changeset, nor a section "Unreleased"'

/**
 * Makes the section of a new version: of what the section "Unreleased" says, if there is one, and of the changesets.
 *
 * @param changelog - the text of CHANGELOG.md
 * @param changesets - their texts without front matter, in sections such as "### Added"
 */
export function releaseChangelog(changelog, changesets, version, date) {
  if (changelog.includes(`\n## ${version} (`)) throw new Error(`CHANGELOG.md has a section for ${version} already`)
  const [head, unreleased = '', ...older] = splitBefore(changelog, /^## /m)
  const released = unreleased.startsWith(UNRELEASED)
    ? [older, unreleased.slice(UNRELEASED.length)]
    : [[unreleased, ...older], '']
  const [versions, written] = released
  const parts = [written, ...changesets].map(sections)
  const stray = parts.slice(1).find(({ intro }) => intro)
  if (stray) throw new Error(`A changeset must begin with a heading such as "### Added": ${stray.intro}`)
  const kinds = KINDS.flatMap((kind) => {
    const items = parts.map(({ byKind }) => byKind.get(kind)).filter(Boolean)
    return items.length > 0 ? [`### ${kind}\n\n${items.join('\n')}`] : []
  })
  if (kinds.length === 0) throw new Error(NOTHING)
  const section = [`## ${version} (${date})`, parts[0].intro, ...kinds].filter(Boolean).join('\n\n')
  return [head.trim(), section, ...versions.map((each) => each.trim()).filter(Boolean)].join('\n\n') + '\n'
}

/** The sections of a changeset, and the text before the first. */
function sections(text) {
  const [intro, ...rest] = splitBefore(text, /^### /m)
  const byKind = new Map()
  for (const part of rest) {
    const [, kind, items] = /^### (.+)\n+([^]*)$/.exec(part)
    if (!KINDS.includes(kind)) throw new Error(`"### ${kind}" is not one of ${KINDS.join(', ')}`)
    byKind.set(kind, [byKind.get(kind), items.trim()].filter(Boolean).join('\n'))
  }
  return { intro: intro.trim(), byKind }
}

/** The first part is the text before the first match, and may be empty. */
function splitBefore(text, heading) {
  const start = text.search(heading)
  if (start === -1) return [text]
  return [text.slice(0, start), ...text.slice(start).split(new RegExp(`(?=${heading.source})`, 'm'))]
}
