import { expect, test } from 'vitest'

import { importPeer } from '../../testing/peer-dependency.ts'

const advice = 'createThing needs the optional package no-such-peer. Install it: npm install --save-dev no-such-peer'

test('a missing peer is named, with what to do', async () => {
  const missing = Object.assign(new Error('Cannot find package'), { code: 'ERR_MODULE_NOT_FOUND' })
  const importing = importPeer(() => Promise.reject(missing), 'no-such-peer', 'createThing')
  await expect(importing).rejects.toMatchObject({ message: advice, cause: missing })
})

test('another failure stays what it is', async () => {
  const broken = new SyntaxError('broken peer')
  await expect(importPeer(() => Promise.reject(broken), 'a', 'b')).rejects.toBe(broken)
})
