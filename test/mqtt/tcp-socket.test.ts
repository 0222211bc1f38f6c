import { expect, test } from 'vitest'

import type { Message } from '../../src/index.ts'
import { until } from '../support/event-loop.ts'
import { startClient } from '../support/recorded-client.ts'
import { everywhere, serve, trusting } from '../support/servers.ts'

test.each(everywhere)(
  '$scheme, MQTT $version: the payload of a message stays as it is',
  async ({ scheme, version }) => {
    const [first, second] = [await serve(scheme), await serve(scheme)]
    const got: Message[] = []
    for (const { url } of [first, second]) {
      const { client } = startClient({ url, options: { ...trusting, protocolVersion: version } })
      client.subscribe('#', (message) => void got.push(message))
      await client.connect()
    }
    // Each of them arrives alone. What is read later, for either client, must not overwrite it.
    for (const text of ['a', 'b'.repeat(5_000), 'c'.repeat(100_000), 'd']) {
      for (const server of [first, second]) {
        const count = got.length
        server.publish(text.charAt(0), text)
        await until(() => got.length > count, 'the message')
      }
    }
    const expected = ['a', 'a', 'b', 'b', 'c', 'c', 'd', 'd']
    expect(got.map(({ topic }) => topic)).toEqual(expected)
    expect(got.map(({ payload }) => payload.every((byte) => byte === payload[0]))).toEqual(expected.map(() => true))
    expect(got.map(({ payload }) => String.fromCharCode(payload[0] ?? 0))).toEqual(expected)
    expect(got.map(({ payload }) => payload.length)).toEqual([1, 1, 5_000, 5_000, 100_000, 100_000, 1, 1])
    expect(got.every(({ payload }) => Buffer.isBuffer(payload))).toBe(true)
  },
)
