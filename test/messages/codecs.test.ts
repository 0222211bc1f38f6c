import { describe, expect, expectTypeOf, test } from 'vitest'

import {
  binary,
  InvalidMessageError,
  json,
  text,
  type Codec,
  type Message,
  type StandardSchema,
  type SubscribeOptions,
} from '../../src/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { outcomes } from '../support/promises.ts'
import { scriptedClient, told } from '../support/scripted-client.ts'

type Result<Value> = ReturnType<StandardSchema<Value>['~standard']['validate']>

/** A validator like those of libraries. */
function schema<Value>(validate: (value: unknown) => Result<Value>): StandardSchema<Value> {
  return { '~standard': { version: 1, vendor: 'test', validate } }
}

const numbers = schema<number>((value) =>
  typeof value === 'number' ? { value: value * 10 } : { issues: [{ message: 'not a number' }] },
)

/** The values and errors of a subscription for given payloads. */
async function received<Value>(options: SubscribeOptions<Value>, payloads: readonly string[]) {
  const { server, client, errors } = await scriptedClient()
  const values: Value[] = []
  const invalid: string[] = []
  const onInvalid = (error: InvalidMessageError, message: Message) => {
    invalid.push(`${message.text()}: ${error.message}`)
  }
  client.subscribe('a', (message: Message<Value>) => values.push(message.value), { onInvalid, qos: 1, ...options })
  await client.connect()
  for (const payload of payloads) server.publish('a', payload, { qos: 1 })
  await server.waitFor(() => server.received('puback').length + errors.length >= payloads.length)
  await turns()
  return { values, invalid, errors, server, client }
}

describe('codecs', () => {
  test('json, text and binary decode', async () => {
    expect((await received({ codec: json<unknown>() }, ['{"a":1}', '5'])).values).toEqual([{ a: 1 }, 5])
    expect((await received({ codec: text }, ['äö'])).values).toEqual(['äö'])
    expect((await received({ codec: binary }, ['ab'])).values).toEqual([Buffer.from('ab')])
    expect((await received({}, ['ab'])).values).toEqual([Buffer.from('ab')])
  })

  test('json, text, binary and a custom codec encode', async () => {
    const { server, client } = await scriptedClient()
    const hex: Codec<number> = {
      encode: (value) => value.toString(16),
      decode: (it) => Number.parseInt(String(it), 16),
    }
    await client.connect()
    await client.publish('a', { a: 1 }, { codec: json() })
    await client.publish('a', 'äö', { codec: text })
    await client.publish('a', Uint8Array.of(65), { codec: binary })
    await client.publish('a', 255, { codec: hex })
    await server.waitFor('publish', { count: 4 })
    expect(told(server, 1, 'publish')).toEqual(['publish {"a":1}', 'publish äö', 'publish A', 'publish ff'])
  })

  test.each([
    ['throws', () => JSON.stringify(1n)],
    ['returns undefined', () => JSON.stringify(undefined)],
  ])('an encoder that %s rejects the publish', async (_what, encode) => {
    const { client } = await scriptedClient()
    const codec = { encode: encode as () => string, decode: () => 1 }
    expect(await outcomes([client.publish('a', 1, { codec })])).not.toEqual(['done'])
    expect(client.outbox.size).toBe(0)
  })

  test('an undecodable message is passed to onInvalid and acknowledged', async () => {
    const { values, invalid } = await received({ codec: json<number>() }, ['{', '1'])
    expect(values).toEqual([1])
    expect(invalid).toEqual(['{: a message to a is invalid: it could not be decoded'])
    const halves = await received({ codec: text, onInvalid: () => {} }, [])
    halves.server.publish('a', Buffer.of(0xff), { qos: 1 })
    await halves.server.waitFor('puback')
    expect(halves.values).toEqual([])
  })
})

describe('schemas', () => {
  test.each([
    ['at once', numbers],
    ['later', schema<number>(async (value) => numbers['~standard'].validate(value))],
  ])('change values or reject them with issues, %s', async (_what, checker) => {
    const { values, invalid } = await received({ codec: json<number>(), schema: checker }, ['1', '"x"', '3'])
    expect(values).toEqual([10, 30])
    expect(invalid).toEqual(['"x": a message to a is invalid: not a number'])
  })

  test.each([
    ['throws', schema<number>((value) => (value === 2 ? fail() : { value: Number(value) }))],
    ['rejects', schema<number>(async (value) => (value === 2 ? fail() : { value: Number(value) }))],
  ])('report an error if the validator %s, and continue with other messages', async (_what, checker) => {
    const { values, errors } = await received({ codec: json<number>(), schema: checker }, ['1', '2', '3'])
    await until(() => values.length === 2 && errors.length === 1)
    expect(values).toEqual([1, 3])
    expect(errors).toEqual([new Error('broken validator')])
  })

  test('keep the order of messages, however long each validation takes', async () => {
    const checks = new Map<number, () => void>()
    const slow = schema<number>(
      (value) => new Promise((resolve) => checks.set(Number(value), () => resolve({ value: Number(value) }))),
    )
    const { values } = await received({ codec: json<number>(), schema: slow }, ['1', '2', '3'])
    for (const n of [3, 2]) checks.get(n)?.()
    await turns()
    expect(values).toEqual([])
    checks.get(1)?.()
    await until(() => values.length === 3)
    expect(values).toEqual([1, 2, 3])
  })

  test("acknowledge an invalid message with ack: 'after-handler', because it would stay invalid", async () => {
    const { server, invalid } = await received({ codec: json<number>(), schema: numbers, ack: 'after-handler' }, [
      '"x"',
    ])
    expect(invalid).toHaveLength(1)
    expect(told(server, 1, 'puback')).toEqual(['puback 1'])
  })

  test.each([
    ['throws', () => fail()],
    ['rejects', () => Promise.reject(new Error('broken validator'))],
  ])('report an onInvalid that %s', async (_what, onInvalid) => {
    const { errors } = await received({ codec: json<number>(), onInvalid: onInvalid as () => void }, ['{'])
    await until(() => errors.length === 1)
    expect(errors).toEqual([new Error('broken validator')])
  })

  test('report an invalid message through the `error` event without onInvalid', async () => {
    const { server, client, errors } = await scriptedClient()
    client.subscribe('a', () => {}, { codec: json(), schema: numbers })
    await client.connect()
    server.publish('a', '"x"')
    await until(() => errors.length === 1)
    expect(errors[0]).toBeInstanceOf(InvalidMessageError)
    expect(errors[0]).toMatchObject({ topic: 'a', issues: [{ message: 'not a number' }] })
    expect(client.isConnected).toBe(true)
  })
})

test('determine the types together with the codec', async () => {
  const { client } = await scriptedClient()
  client.subscribe('a', (message) => expectTypeOf(message.value).toEqualTypeOf<Uint8Array>())
  client.subscribe('a', (message) => expectTypeOf(message.value).toEqualTypeOf<string>(), { codec: text })
  client.subscribe('a', (message) => expectTypeOf(message.value).toEqualTypeOf<number>(), {
    codec: json<number>(),
    schema: numbers,
  })
  expectTypeOf(client.subscribe('a', { codec: text })).toExtend<AsyncIterable<Message<string>>>()
  // @ts-expect-error a number needs a codec
  await outcomes([client.publish('a', 5)])
  // @ts-expect-error the codec takes strings
  await outcomes([client.publish('a', 5, { codec: text })])
  expectTypeOf(client.publish<{ a: number }>)
    .parameter(1)
    .toEqualTypeOf<{ a: number }>()
})

function fail(): never {
  throw new Error('broken validator')
}
