import { expect, test } from 'vitest'

import { createTestClock } from '../../testing/index.ts'
import { serve } from '../support/servers.ts'
import { transportScene } from './transport-scene.ts'

const closedIdle = { kind: 'closed', silence: 50_000, keepalive: 60_000 }

test.each(['mqtt', 'ws'] as const)('pings before a proxy closes the connection: %s', async (scheme) => {
  const clock = createTestClock()
  const server = await serve(scheme)
  const scene = transportScene({ url: server.url, options: { keepalive: 60_000 }, clock })
  for (const n of [1, 2]) {
    scene.start()
    await scene.waitFor('transport.opened', n)
    clock.tick(50_000)
    server.kick()
    await scene.waitFor('transport.failed', n)
  }
  expect(scene.failures()).toEqual([closedIdle, closedIdle])
  expect(scene.told.map(({ type }) => type)).toEqual([
    'transport.opened',
    'transport.failed',
    'transport.opened',
    'transport.blameless',
    'transport.failed',
  ])
  expect(scene.learnt).toEqual([{ silence: 50_000, keepalive: 60_000 }])

  scene.start()
  await scene.waitFor('transport.opened', 3)
  clock.tick(37_500)
  await server.waitFor('pingreq')
  expect(server.received('connect').map(({ keepalive }) => keepalive)).toEqual([60, 60, 60])
})

test('a close that may be an answer, or that follows soon, says nothing about silence', async () => {
  const clock = createTestClock()
  const server = await serve('mqtt', { script: { puback: false } })
  const scene = transportScene({ url: server.url, options: { keepalive: 60_000 }, clock, isAwaitingAnswer: () => true })
  scene.start()
  await scene.waitFor('transport.opened')
  clock.tick(50_000)
  server.kick()
  expect(await scene.failure()).toEqual({ kind: 'closed' })
})
