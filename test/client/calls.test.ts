import { describe, expect, test } from 'vitest'

import type { ConnectionState, DisconnectOptions } from '../../src/index.ts'
import { rejection } from '../support/promises.ts'
import { startClient } from '../support/recorded-client.ts'
import { startServer } from '../support/servers.ts'

const timeouts = [-5, Number.NaN, '5', null]
const shown = (value: unknown) => (typeof value === 'string' ? `"${value}"` : String(value))

describe('disconnect', () => {
  const bad: [object, string][] = [
    [{ outbox: 'drop' }, 'outbox must be one of "reject", "keep", got "drop"'],
    [{ outbox: null }, 'outbox must be one of "reject", "keep", got null'],
    ...timeouts.map((drainTimeout): [object, string] => [
      { drainTimeout },
      `drainTimeout must be at least 0 milliseconds, got ${shown(drainTimeout)}`,
    ]),
  ]
  test.each(bad)('rejects %o and does nothing: %s', async (options, message) => {
    const server = await startServer()
    const { client } = startClient({ url: server.url })
    const waiting = client.publish('a', 'x', { qos: 1 })
    const disconnect = () => rejection(client.disconnect(options as DisconnectOptions))
    expect(await disconnect()).toMatchObject({ name: 'InvalidOptionError', message })
    expect(client.outbox.size).toBe(1)
    await client.connect()
    await waiting
    expect(await disconnect()).toMatchObject({ name: 'InvalidOptionError', message })
    expect(client.isConnected).toBe(true)
  })

  const good: DisconnectOptions[] = [
    {},
    { drainTimeout: 0 },
    { drainTimeout: Number.POSITIVE_INFINITY },
    { outbox: 'keep' },
  ]
  test.each(good)('accepts %o', async (options) => {
    const server = await startServer()
    const { client } = startClient({ url: server.url })
    await client.connect()
    await client.disconnect(options)
    expect(client.status.state).toBe('disconnected')
  })
})

describe('waitFor', () => {
  const bad: [string, object, string][] = [
    [
      'conected',
      {},
      'state must be one of "idle", "connecting", "connected", "reconnecting", "failed", "recovering", "refreshingToken", "disconnecting", "disconnected", got "conected"',
    ],
    ...['idle', 'connected'].flatMap((state) =>
      timeouts.map((timeout): [string, object, string] => [
        state,
        { timeout },
        `timeout must be at least 0 milliseconds, got ${shown(timeout)}`,
      ]),
    ),
  ]
  test.each(bad)('rejects %s with %o: %s', async (state, options, message) => {
    const { client } = startClient({ url: 'mqtt://127.0.0.1:1' })
    expect(await rejection(client.waitFor(state as ConnectionState, options))).toMatchObject({
      name: 'InvalidOptionError',
      message,
    })
  })
})
