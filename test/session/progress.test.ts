import { expect, test } from 'vitest'

import type { Script } from '../../testing/index.ts'
import { range } from '../support/range.ts'
import { scriptedClient, versions } from '../support/scripted-client.ts'

/** Two attempts, and no more. */
const twoAttempts = {
  reconnect: { initialDelay: 0, maxDelay: 0, jitter: 'none', maxAttempts: 2 },
  recovery: { enabled: false },
} as const

/** Takes some publishes on each connection, and then closes it. */
function closesAfter(taken: number): Script {
  return (_connection, n) => ({
    connack: { sessionPresent: n > 1 },
    steps: [{ at: 'publish', nth: taken + 1, do: 'close' }],
  })
}

test.each(versions)('does not give up while each connection brings some publishes on, MQTT $version', async (row) => {
  const { client, server } = await scriptedClient({ ...row, ...twoAttempts, script: closesAfter(3) })
  await client.connect()
  await Promise.all(range(30).map((n) => client.publish(`t/${n}`, 'x', { qos: 1 })))
  expect(server.connections.length).toBeGreaterThan(5)
  expect(client.status).toMatchObject({ state: 'connected', attempt: 0 })
})

test('received messages do not count: they may be the reason why the connection ends', async () => {
  const { client } = await scriptedClient({
    ...twoAttempts,
    script: (_connection, n) => ({
      connack: { sessionPresent: n > 1 },
      steps: [
        {
          at: 'subscribe',
          do: (connection, { messageId = 0 }) => {
            connection.send({ cmd: 'suback', messageId, granted: [1] })
            connection.publish('a', 'x', { qos: 1 })
          },
        },
        { at: 'connack', do: (connection) => void (n > 1 && connection.publish('a', 'x', { qos: 1 })) },
        { at: 'puback', do: 'close' },
      ],
    }),
  })
  const gaveUp = new Promise((resolve) => client.on('gaveUp', resolve))
  client.subscribe('a', () => {}, { qos: 1 })
  await client.connect()
  await gaveUp
  expect(client.status).toMatchObject({ state: 'failed', attempt: 2 })
})
