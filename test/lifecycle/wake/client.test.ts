import { beforeEach, describe, expect, test, vi } from 'vitest'

import type { WakeSignal } from '../../../src/api/wake-signal.ts'
import { createTestClock } from '../../../testing/index.ts'
import { turns } from '../../support/event-loop.ts'
import { rejection } from '../../support/promises.ts'
import { startClient } from '../../support/recorded-client.ts'
import { startServer } from '../../support/servers.ts'

let listeners: Set<() => void>

beforeEach(() => {
  listeners = new Set()
  vi.stubGlobal('addEventListener', (_: string, listener: () => void) => void listeners.add(listener))
  vi.stubGlobal('removeEventListener', (_: string, listener: () => void) => void listeners.delete(listener))
})

const online = () => {
  for (const listener of listeners) listener()
}

const wakeOn: readonly WakeSignal[] = ['online']

test('probes the open connection', async () => {
  const clock = createTestClock()
  const server = await startServer({ script: [{ pingresp: false }, {}] })
  const { client, heard } = startClient({ url: server.url, clock, wakeOn })
  await client.connect()
  online()
  online()
  await server.waitFor('pingreq')
  clock.tick(5_000)
  expect(heard('connectionInterrupted')).toEqual([{ failure: { kind: 'timeout', phase: 'probe' } }])
  expect(server.received('pingreq')).toHaveLength(1)
})

test('ends a wait, and does not count the attempt', async () => {
  const clock = createTestClock()
  const server = await startServer({ script: [{ connack: { reasonCode: 3 } }, {}] })
  const { client, next, heard } = startClient({ url: server.url, clock, wakeOn })
  const connected = client.connect()
  await next('reconnectScheduled', 1)
  online()
  await connected
  expect(clock.now()).toBe(0)
  expect(heard('reconnectScheduled')).toHaveLength(1)
})

describe('a client that rests does not listen', () => {
  test('before it connects, and once it has disconnected', async () => {
    const server = await startServer()
    const { client } = startClient({ url: server.url, wakeOn })
    expect(listeners.size).toBe(0)
    await client.connect()
    expect(listeners.size).toBe(1)
    await client.disconnect()
    expect(listeners.size).toBe(0)
    await client.connect()
    expect(listeners.size).toBe(1)
    await client[Symbol.asyncDispose]()
    expect(listeners.size).toBe(0)
  })

  test('once it has given up', async () => {
    const server = await startServer({ script: { connack: { reasonCode: 2 } } })
    const { client } = startClient({ url: server.url, wakeOn })
    await rejection(client.connect())
    expect(listeners.size).toBe(0)
    server.setScript({})
    client.resetReconnect()
    await client.waitFor('connected')
    expect(listeners.size).toBe(1)
  })
})

test('many clients share a listener', async () => {
  const server = await startServer()
  const clients = await Promise.all(
    [1, 2, 3].map(async () => {
      const { client } = startClient({ url: server.url, wakeOn })
      await client.connect()
      return client
    }),
  )
  expect(listeners.size).toBe(1)
  await clients[0]?.disconnect()
  await clients[1]?.disconnect()
  expect(listeners.size).toBe(1)
  await clients[2]?.disconnect()
  expect(listeners.size).toBe(0)
})

describe('no signal wakes', () => {
  test.each([
    ['a client with a clock of its own, unless it asks for that', { clock: createTestClock() }],
    ['a client with `wakeOn: false`', { wakeOn: false as const }],
    ['a client that asks for no signal', { wakeOn: [] }],
    ['a client that asks for another signal', { wakeOn: ['sleep' as const] }],
  ])('%s', async (_, options) => {
    const server = await startServer()
    const { client } = startClient({ url: server.url, ...options })
    await client.connect()
    expect(listeners.size).toBe(0)
    online()
    await turns(10)
    expect(server.received('pingreq')).toEqual([])
  })
})
