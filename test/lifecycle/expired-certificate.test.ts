import { expect, test } from 'vitest'

import { tls } from '../../measure/lab/tls-fixture.ts'
import { certificateExpiry } from '../../src/config/node-options.ts'
import { createTestClock } from '../../testing/index.ts'
import { startClient } from '../support/recorded-client.ts'
import { serve, trusting } from '../support/servers.ts'

const EXPIRY = certificateExpiry(tls.cert) ?? 0

test.each([
  ['before its client certificate has expired', EXPIRY - 10_000, 1],
  ['once its client certificate has expired', EXPIRY, 3],
])('a function that gives the options, %s, is called: at %i, %i times in three attempts', async (_, now, calls) => {
  const server = await serve('mqtts', { script: [{ connack: { reasonCode: 3 } }, { connack: { reasonCode: 3 } }, {}] })
  const clock = createTestClock()
  let called = 0
  const { client, next } = startClient({
    url: server.url,
    clock,
    now: () => now,
    options: () => {
      called++
      return { tls: { ...trusting.tls, cert: tls.cert, key: tls.key } }
    },
  })
  const connected = client.connect()
  for (const n of [1, 2]) clock.tick((await next('reconnectScheduled', n)).delay)
  await connected
  expect(called).toBe(calls)
})
