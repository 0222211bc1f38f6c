import { expect, test } from 'vitest'

import { turns, until } from '../support/event-loop.ts'
import { scriptedClient } from '../support/scripted-client.ts'

/** A client whose first session is lost at the first reconnect. The broker keeps the next one. */
async function scene(present: boolean) {
  let connections = 0
  const script = () => ({ connack: { sessionPresent: ++connections === 1 ? present : connections > 2 } })
  const { server, client } = await scriptedClient({ script, inbox: { maxUnprocessed: 1 } })
  await client.connect()
  const reconnect = async () => {
    const connected = new Promise((resolve) => client.once('connected', resolve))
    server.kick()
    await connected
  }
  const texts: string[] = []
  const inbox = () => client.status.inbox
  return { server, client, reconnect, inbox, texts, take: (text: string) => void texts.push(text) }
}

const acked = { qos: 1, ack: 'after-handler' } as const

test('a message that waits for a subscription outlives the loss of its session', async () => {
  const { server, client, reconnect, inbox, texts, take } = await scene(true)
  server.publish('in', 'only copy', { qos: 1 })
  await until(() => inbox().unclaimed === 1)
  await reconnect()
  await reconnect()
  expect(inbox().unclaimed).toBe(1)
  client.subscribe('in', (message) => take(message.text()))
  await turns()
  expect(texts).toEqual(['only copy'])
})

test('so does one that a paused subscription claims after that', async () => {
  const { server, client, reconnect, inbox, texts, take } = await scene(true)
  server.publish('in', 'only copy', { qos: 1 })
  await until(() => inbox().unclaimed === 1)
  await reconnect()
  const subscription = client.subscribe('in', (message) => take(message.text()), acked)
  subscription.pause()
  await subscription.ready
  await reconnect()
  subscription.resume()
  await turns()
  expect(texts).toEqual(['only copy'])
})

test.each(['handler', 'loop'] as const)('so does one that reaches a paused %s after that', async (how) => {
  const { server, client, reconnect, inbox, texts, take } = await scene(false)
  const stuck = client.subscribe('stuck', () => new Promise<void>(() => {}), acked)
  const loop = how === 'loop' ? client.subscribe('in', acked) : undefined
  const subscription = loop ?? client.subscribe('in', (message) => take(message.text()), acked)
  await Promise.all([stuck.ready, subscription.ready])
  subscription.pause()
  server.publish('stuck', '', { qos: 1, messageId: 1 })
  server.publish('in', 'only copy', { qos: 1, messageId: 2 })
  await until(() => inbox().waiting === 1)
  await reconnect()
  stuck.unsubscribe()
  await until(() => inbox().unprocessed === 1)
  await reconnect()
  subscription.resume()
  const next = loop?.[Symbol.asyncIterator]().next()
  if (next) void next.then(({ value }) => take(value?.text() ?? ''))
  await turns()
  expect(texts).toEqual(['only copy'])
})

test('so does one that was being validated at that time', async () => {
  const { server, client, reconnect, inbox, texts, take } = await scene(false)
  let conclude = () => {}
  const validate = (value: unknown) =>
    new Promise<{ value: Uint8Array }>((resolve) => {
      conclude = () => resolve({ value: value as Uint8Array })
    })
  const schema = { '~standard': { version: 1, vendor: 'test', validate } } as const
  const subscription = client.subscribe('in', (message) => take(message.text()), { ...acked, schema })
  await subscription.ready
  subscription.pause()
  server.publish('in', 'only copy', { qos: 1 })
  await until(() => inbox().unprocessed === 1)
  await reconnect()
  conclude()
  await turns()
  await reconnect()
  subscription.resume()
  await turns()
  expect(texts).toEqual(['only copy'])
})
