import { expect, test } from 'vitest'

import { missingPackage } from '../../cli/missing-package.ts'

const notFound = (message: string) => Object.assign(new Error(message), { code: 'ERR_MODULE_NOT_FOUND' })

test.each([
  [notFound("Cannot find package 'aedes' imported from /x/testing/embedded-broker.js"), 'aedes'],
  [notFound("Cannot find package '@scope/name' imported from /x.js"), '@scope/name'],
  [new Error('needs aedes', { cause: notFound("Cannot find package 'aedes' imported from /x.js") }), 'aedes'],
  [notFound("Cannot find module '/x/cli/sub.js' imported from /x/cli/main.js"), undefined],
  [Object.assign(new Error("Cannot find package 'aedes'"), { code: 'EACCES' }), undefined],
  [new Error('refused'), undefined],
  ['refused', undefined],
])('%s', (error, expected) => {
  expect(missingPackage(error)).toBe(expected)
})
