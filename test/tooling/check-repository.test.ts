import { expect, test } from 'vitest'

import { repositoryProblem } from '../../scripts/release/check-repository.mjs'

const ADDRESS = 'https://github.com/owner/name'
const url = `git+${ADDRESS}.git`

test.each([
  [{ repository: { type: 'git', url } }, ADDRESS],
  [{ repository: { type: 'git', url: ADDRESS } }, ADDRESS],
  [{ repository: { type: 'git', url } }, undefined],
])('%j may be published from %s', (manifest, address) => {
  expect(repositoryProblem(manifest, address)).toBeUndefined()
})

test.each([
  [{}, ADDRESS, /^package\.json has no repository\. It needs .*"git\+https:\/\/github\.com\/owner\/name\.git"/],
  [{}, undefined, /^package\.json has no repository\. It needs .*<owner>\/<name>/],
  [{ repository: { type: 'git', url: '' } }, ADDRESS, /no repository/],
  [
    { repository: { type: 'git', url: 'git+https://github.com/other/name.git' } },
    ADDRESS,
    /not the one that publishes it/,
  ],
])('%j may not be published from %s', (manifest, address, problem) => {
  expect(repositoryProblem(manifest, address)).toMatch(problem)
})
