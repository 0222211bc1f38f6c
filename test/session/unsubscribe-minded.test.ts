import { expect, test } from 'vitest'

import { clockedClient } from '../support/objecting-broker.ts'
import { outcomes } from '../support/promises.ts'
import { range } from '../support/range.ts'

const MINUTE = 60_000

test('sends UNSUBSCRIBE more and more rarely to a broker that closes on it, and continues otherwise', async () => {
  const { server, client, until, clock, connect } = await clockedClient({
    reconnect: {},
    random: () => 0.5,
    script: (_, n) => ({
      connack: { sessionPresent: n > 1 },
      steps: [{ at: 'unsubscribe', do: 'close' }],
    }),
  })
  const gaveUp: unknown[] = []
  client.on('gaveUp', (event) => gaveUp.push(event))
  const left = client.subscribe('left', () => {})
  client.subscribe('kept', () => {})
  await connect()
  left.unsubscribe()
  client.subscribe('new', () => {})
  const published = range(5).map((n) => client.publish('a', `${n}`, { qos: 1 }))
  await until(() => clock.now() > 15 * MINUTE)
  expect(gaveUp).toEqual([])
  expect(client.status).toMatchObject({ state: 'connected', subscriptions: { wanted: 2, held: 2, suspended: 0 } })
  expect(await outcomes(published)).toEqual(range(5).map(() => 'done'))
  const asked = () => server.received('unsubscribe').length
  expect([server.connections.length, asked()]).toEqual([2, 1])

  // It is sent again on a later connection, and again after more of them, because the broker may have recovered.
  const drop = async () => {
    const before = server.connections.length
    server.connections.at(-1)?.close()
    await until(() => server.connections.length > before && client.status.subscriptions.held === 2)
    await until(() => client.isConnected)
  }
  await drop()
  await until(() => asked() === 2 && client.isConnected)
  await drop()
  expect(asked(), 'not sent on two connections').toBe(2)
  await drop()
  await until(() => asked() === 3)
})
