import { expect, test } from 'vitest'

import { clockedClient } from '../support/objecting-broker.ts'

const SUBSCRIBE_TIMEOUT = 30_000

const message = { cmd: 'publish', topic: 'good', payload: '', qos: 0, retain: false, dup: false } as const

/** A client whose subscription to `bad` is suspended, and tried alone at last by a broker that ignores it. */
async function triedAlone() {
  let minds: 'close' | 'ignore' = 'close'
  const scene = await clockedClient({
    script: (_, n) => ({
      connack: { sessionPresent: n > 1 },
      steps: [
        {
          at: 'subscribe',
          do: (connection, { subscriptions, messageId = 0 }) => {
            const isBad = subscriptions.some(({ topic }) => topic === 'bad')
            if (!isBad) connection.send({ cmd: 'suback', messageId, granted: subscriptions.map(() => 0) })
            else if (minds === 'close') connection.close()
            // Without any bytes the socket's own acknowledgement is late, and Nagle's algorithm holds back what follows.
            else connection.send(message)
          },
        },
      ],
    }),
  })
  const { server, client, until, connect } = scene
  client.subscribe('good', () => {})
  const bad = client.subscribe('bad', () => {})
  await connect()
  expect(client.status.subscriptions).toMatchObject({ held: 1, suspended: 1 })
  minds = 'ignore'
  const asked = () => server.received('subscribe').length
  const before = asked()
  await until(() => asked() > before)
  return { ...scene, bad, asked }
}

test('a SUBSCRIBE that is tried alone and never answered holds publishes up for a bounded time', async () => {
  const { server, client, clock, until, bad } = await triedAlone()
  const connections = server.connections.length
  const begun = clock.now()
  let delivered = false
  void client.publish('a', '', { qos: 1 }).then(() => (delivered = true))
  bad.unsubscribe()
  await until(() => clock.now() - begun > SUBSCRIBE_TIMEOUT / 2)
  expect(delivered, 'it is still alone on the wire').toBe(false)
  await until(() => delivered, 2 * SUBSCRIBE_TIMEOUT)
  expect(clock.now() - begun).toBeLessThan(SUBSCRIBE_TIMEOUT + 2_000)
  expect(server.connections).toHaveLength(connections)
  expect(server.received('unsubscribe')).toHaveLength(1)
  expect(client.status).toMatchObject({ state: 'connected', subscriptions: { wanted: 1, held: 1, suspended: 0 } })
})

test('the answer to the first SUBSCRIBE does not end the trial of the second', async () => {
  const { server, client, clock, until, asked } = await triedAlone()
  const first = server.received('subscribe').at(-1)?.messageId ?? 0
  const trials = asked()
  await until(() => asked() > trials, 2 * SUBSCRIBE_TIMEOUT)
  const second = server.received('subscribe').at(-1)?.messageId ?? 0
  expect(second).not.toBe(first)
  const begun = clock.now()
  let delivered = false
  void client.publish('a', '', { qos: 1 }).then(() => (delivered = true))
  server.send({ cmd: 'suback', messageId: first, granted: [0] })
  await until(() => clock.now() - begun > 5_000)
  expect(delivered).toBe(false)
  server.send({ cmd: 'suback', messageId: second, granted: [0] })
  await until(() => delivered, 2_000)
  expect(client.status.subscriptions).toMatchObject({ held: 2, suspended: 0 })
})
