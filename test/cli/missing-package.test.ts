import { sep } from 'node:path'
import { expect, test } from 'vitest'

import { installAdvice, missingPackage } from '../../cli/missing-package.ts'

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

test.each([
  ['/app/node_modules/xstate-mqtt/dist/cli/main.js', '/app', 'npm install --save-dev aedes'],
  ['/app/node_modules/xstate-mqtt/dist/cli/main.js', '/app/packages/a', 'npm install --save-dev aedes'],
  [
    '/app/node_modules/.pnpm/xstate-mqtt@1.0.0/node_modules/xstate-mqtt/dist/cli/main.js',
    '/app',
    'npm install --save-dev',
  ],
  ['/app/node_modules/xstate-mqtt/dist/cli/main.js', '/application', 'npx --package xstate-mqtt --package aedes'],
  ['/home/me/.npm/_npx/1f/node_modules/xstate-mqtt/dist/cli/main.js', '/app', 'npx --package xstate-mqtt'],
  ['/usr/lib/node_modules/xstate-mqtt/dist/cli/main.js', '/app', 'npx --package xstate-mqtt'],
  ['/checkout/dist/cli/main.js', '/checkout', 'npx --package xstate-mqtt'],
])('%s, used in %s: %s', (file, folder, advice) => {
  const place = { file: file.replaceAll('/', sep), folder: folder.replaceAll('/', sep) }
  expect(installAdvice('aedes', 'demo', place)).toContain(`the optional package aedes is not installed: ${advice}`)
})

test('a package for production is no devDependency', () => {
  const place = { file: ['', 'app', 'node_modules', 'xstate-mqtt', 'a.js'].join(sep), folder: `${sep}app` }
  expect(installAdvice('classic-level', 'store', place)).toMatch(/: npm install classic-level$/)
})
