import { expect, test } from 'vitest'

import { releaseChangelog as release } from '../../scripts/release/changelog.mjs'

const HEAD = '# Changelog\n'
const OLD = '## 0.1.0 (2026-01-01)\n\n### Added\n\n- Everything.\n'

test.each([
  ['a changeset', `${HEAD}\n${OLD}`, ['\n### Fixed\n\n- A bug.\n'], '### Fixed\n\n- A bug.'],
  [
    'two changesets, in the order of kinds',
    `${HEAD}\n${OLD}`,
    ['### Fixed\n\n- A bug.\n', '### Added\n\n- `x`,\n  in two lines.\n\n### Fixed\n\n- Another.'],
    '### Added\n\n- `x`,\n  in two lines.\n\n### Fixed\n\n- A bug.\n- Another.',
  ],
  [
    'what is written in the section Unreleased, before the changesets',
    `${HEAD}\n## Unreleased\n\nIn short.\n\n### Added\n\n- One.\n\n${OLD}`,
    ['### Added\n\n- Two.\n'],
    'In short.\n\n### Added\n\n- One.\n- Two.',
  ],
  [
    'the section Unreleased alone',
    `${HEAD}\n## Unreleased\n\n### Added\n\n- One.\n\n${OLD}`,
    [],
    '### Added\n\n- One.',
  ],
])('a version gets %s', (_, changelog, changesets, expected) => {
  expect(release(changelog, changesets, '0.2.0', '2026-02-01')).toBe(
    `# Changelog\n\n## 0.2.0 (2026-02-01)\n\n${expected}\n\n${OLD}`,
  )
})

test('the first version needs no older one', () => {
  const changelog = `${HEAD}\n## Unreleased\n\n### Added\n\n- One.\n`
  expect(release(changelog, [], '0.1.0', '2026-02-01')).toBe(`${HEAD}\n## 0.1.0 (2026-02-01)\n\n### Added\n\n- One.\n`)
})

test.each([
  ['no change at all', `${HEAD}\n${OLD}`, [], 'There is nothing to release'],
  ['a changeset without a section', `${HEAD}\n${OLD}`, ['A bug.'], 'A changeset must begin with a heading'],
  ['a section that is not one', `${HEAD}\n${OLD}`, ['### Features\n\n- One.'], '"### Features" is not one of Added'],
  ['a version that exists', `${HEAD}\n## 0.2.0 (2026-01-02)\n`, ['### Added\n\n- One.'], 'has a section for 0.2.0'],
])('it refuses %s', (_, changelog, changesets, message) => {
  expect(() => release(changelog, changesets, '0.2.0', '2026-02-01')).toThrow(message)
})
