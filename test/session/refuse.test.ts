import { describe, expect, test } from 'vitest'

import { type FailedMessage, InvalidOptionError, MessageRefusedError, type SubscribeOptions } from '../../src/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { scriptedClient, sessionIs, versions, type Version } from '../support/scripted-client.ts'

async function sceneOf(version: Version, sessionPresent = true) {
  const { server, client, errors } = await scriptedClient({ version, script: sessionIs(sessionPresent) })
  const failed: FailedMessage[] = []
  client.on('messageFailed', (event) => failed.push(event))
  return { server, client, errors, failed }
}

const nothing = () => {}

/** Throws at its first call. */
const failsFirst = () => {
  let calls = 0
  return () => {
    if (++calls === 1) throw new Error('not yet')
  }
}

const refuse = (reasonCode?: number) => () => Promise.reject(new MessageRefusedError(reasonCode))

describe.each(versions)('a handler that refuses a message, MQTT version $version', ({ version }) => {
  test.each([
    [undefined, 0x83],
    [0x97, 0x97],
    [0x99, 0x99],
  ])('acknowledges it with the reason code: %s', async (reasonCode, expected) => {
    const { server, client, errors, failed } = await sceneOf(version)
    client.subscribe('a', refuse(reasonCode), { qos: 1, ack: 'after-handler' })
    await client.connect()
    server.publish('a', '1', { qos: 1 })
    const { reasonCode: sent } = await server.waitFor('puback')
    // mqtt-packet gives a PUBACK of MQTT 3.1.1 no code.
    expect(sent ?? 0).toBe(version === 5 ? expected : 0)
    expect(failed).toMatchObject([
      { topic: 'a', qos: 1, attempts: 1, outcome: 'refused', error: { reasonCode: expected } },
    ])
    expect(errors).toEqual([])
  })

  test('that came with QoS 2 completes it: its PUBREC was sent before', async () => {
    const { server, client, failed } = await sceneOf(version)
    client.subscribe('a', refuse(), { qos: 2, ack: 'after-handler' })
    await client.connect()
    server.publish('a', '1', { qos: 2 })
    await server.waitFor('pubcomp')
    expect(failed).toMatchObject([{ qos: 2, outcome: 'refused' }])
  })

  test('by a throw is called once, also if it had been called again before', async () => {
    const { server, client, failed } = await sceneOf(version)
    let calls = 0
    const handler = () => {
      if (++calls === 1) throw new Error('not yet')
      throw new MessageRefusedError()
    }
    client.subscribe('a', handler, { qos: 1, ack: 'after-handler', retry: { initialDelay: 0, maxDelay: 0 } })
    await client.connect()
    server.publish('a', '1', { qos: 1 })
    await server.waitFor('puback')
    await turns()
    expect(calls).toBe(2)
    expect(failed).toMatchObject([{ attempts: 2, outcome: 'refused' }])
  })

  test.each<[string, () => unknown, SubscribeOptions]>([
    ['resolves', () => Promise.resolve(), { ack: 'after-handler' }],
    ['returns', nothing, { ack: 'after-handler' }],
    ['returns at its second call', failsFirst(), { ack: 'after-handler', retry: { initialDelay: 0, maxDelay: 0 } }],
    ['has it acknowledged on receipt', nothing, { ack: 'on-receipt' }],
    ['has it acknowledged on receipt, and is at work', () => new Promise(nothing), { ack: 'on-receipt' }],
  ])('does not tell the broker if another handler %s', async (_, other, options) => {
    const { server, client, failed } = await sceneOf(version)
    for (const handler of [refuse(0x97), other, refuse(0x99)]) {
      client.subscribe('a', handler, { qos: 1, ...(handler === other ? options : { ack: 'after-handler' }) })
    }
    await client.connect()
    server.publish('a', '1', { qos: 1 })
    expect((await server.waitFor('puback')).reasonCode ?? 0).toBe(0)
    expect(failed).toMatchObject([{ outcome: 'refused' }, { outcome: 'refused' }])
  })

  test('and has unsubscribed refuses it nevertheless', async () => {
    const { server, client, failed } = await sceneOf(version)
    const handler = () => {
      subscription.unsubscribe()
      throw new MessageRefusedError()
    }
    const subscription = client.subscribe('a', handler, { qos: 1, ack: 'after-handler' })
    await client.connect()
    server.publish('a', '1', { qos: 1 })
    expect((await server.waitFor('puback')).reasonCode ?? 0).toBe(version === 5 ? 0x83 : 0)
    expect(failed).toMatchObject([{ outcome: 'refused' }])
  })

  test('of QoS 0, which has no acknowledgement, has failed like any other', async () => {
    const { server, client, errors, failed } = await sceneOf(version)
    client.subscribe('a', refuse(), { qos: 1, ack: 'after-handler' })
    await client.connect()
    server.publish('a', '1', { qos: 0 })
    await until(() => errors.length === 1)
    expect(errors).toMatchObject([{ name: 'MessageRefusedError' }])
    expect(failed).toEqual([])
  })

  test.each([
    ['of QoS 1, is called again: the broker sends the message again', 1],
    ['of QoS 2, is not called again', 2],
  ] as const)('between two connections, %s', async (_, qos) => {
    const { server, client, failed } = await sceneOf(version)
    const calls: ((error: Error) => void)[] = []
    const handler = () => new Promise<void>((_resolve, reject) => calls.push(reject))
    client.subscribe('a', handler, { qos, ack: 'after-handler' })
    await client.connect()
    server.publish('a', '1', { qos, messageId: 7 })
    await until(() => calls.length === 1)
    const interrupted = new Promise((resolve) => client.once('connectionInterrupted', resolve))
    const connected = new Promise((resolve) => client.once('connected', resolve))
    server.kick()
    await interrupted
    calls[0]?.(new MessageRefusedError())
    await connected
    if (qos === 1) {
      expect(failed).toEqual([])
      server.publish('a', '1', { qos, messageId: 7, dup: true })
      await until(() => calls.length === 2)
      calls[1]?.(new MessageRefusedError())
      await server.waitFor('puback')
    } else {
      server.send({ cmd: 'pubrel', messageId: 7 })
      await server.waitFor('pubcomp')
      expect(calls).toHaveLength(1)
    }
    expect(failed).toMatchObject([{ qos, attempts: 1, outcome: 'refused' }])
  })

  test.each([1, 2] as const)('is reported if the broker loses the session first: QoS %i', async (qos) => {
    const { server, client, failed } = await sceneOf(version, false)
    const calls: ((error: Error) => void)[] = []
    const handler = () => new Promise<void>((_, reject) => calls.push(reject))
    client.subscribe('a', handler, { qos, ack: 'after-handler' })
    await client.connect()
    server.publish('a', '1', { qos })
    await until(() => calls.length === 1)
    const connected = new Promise((resolve) => client.once('connected', resolve))
    server.kick()
    await connected
    calls[0]?.(new MessageRefusedError())
    await until(() => failed.length === 1)
    expect(failed).toMatchObject([{ qos, attempts: 1, outcome: 'refused' }])
    expect(client.status.inbox.heldBack).toBe(0)
  })

  test('keeps the order of acknowledgements', async () => {
    const { server, client } = await sceneOf(version)
    const ends: (() => void)[] = []
    client.subscribe('slow', () => new Promise<void>((resolve) => ends.push(resolve)), { qos: 1, ack: 'after-handler' })
    client.subscribe('a', refuse(0x97), { qos: 1, ack: 'after-handler' })
    await client.connect()
    server.publish('slow', '1', { qos: 1, messageId: 1 })
    server.publish('a', '2', { qos: 1, messageId: 2 })
    await turns()
    expect(server.received('puback')).toEqual([])
    for (const end of ends) end()
    await server.waitFor('puback', { count: 2 })
    expect(server.received('puback').map(({ messageId }) => messageId)).toEqual([1, 2])
  })
})

test('a refusal without ack: after-handler, which comes too late, is an error of the handler', async () => {
  const { server, client, errors, failed } = await sceneOf(5)
  client.subscribe('a', refuse(), { qos: 1 })
  await client.connect()
  server.publish('a', '1', { qos: 1 })
  expect((await server.waitFor('puback')).reasonCode).toBe(0)
  await turns()
  expect(errors).toMatchObject([{ name: 'MessageRefusedError' }])
  expect(failed).toEqual([])
})

test.each([0, 0x10, 0x92, 1.5, Number.NaN])('the reason code must not be %s', (reasonCode) => {
  expect(() => new MessageRefusedError(reasonCode)).toThrow(InvalidOptionError)
})
