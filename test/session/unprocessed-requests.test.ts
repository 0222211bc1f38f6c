import { describe, expect, test } from 'vitest'

import type { Message, Qos } from '../../src/index.ts'
import { createTestClock, type Behaviour } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { range } from '../support/range.ts'
import { scriptedClient, versions } from '../support/scripted-client.ts'

const RESPONSES = 'responses'

/** A server with a service: its response comes behind `count` other messages of 20 KB. */
function service(count: number, qos: Qos): Behaviour {
  return {
    steps: [
      {
        at: 'publish',
        topic: 'service',
        do: (connection, packet) => {
          if (packet.qos === 1) connection.send({ cmd: 'puback', messageId: packet.messageId ?? 0 })
          for (const _ of range(count)) connection.publish('in/more', 'x'.repeat(20_000))
          const { correlationData } = packet.properties ?? {}
          const properties = correlationData && { properties: { correlationData } }
          connection.publish(RESPONSES, packet.payload as Buffer, { qos, ...properties })
        },
      },
    ],
  }
}

describe.each(versions)('requests while handlers are busy, MQTT $version', ({ version }) => {
  test.each([
    [0, 0],
    [1, 1],
  ] as const)('of QoS %i get their responses of QoS %i: handlers may await them', async (qos, answerQos) => {
    const script = service(20, answerQos)
    const { server, client, errors } = await scriptedClient({ version, script, inbox: { maxUnprocessed: 2 } })
    await client.connect()
    const answers: string[] = []
    const handler = async (message: Message) => {
      if (message.topic === 'in/more') return
      const text = message.text()
      const match = (response: Message) => response.text() === text
      answers.push((await client.request('service', text, { qos, responseTopic: RESPONSES, match })).text())
    }
    await client.subscribe('in/#', handler, { ack: 'after-handler' }).ready
    for (const n of range(10)) server.publish('in/first', `${n}`)
    await until(() => answers.length === 10, 'all responses')
    expect(answers.map(Number).toSorted((a, b) => a - b)).toEqual(range(10))
    await until(() => client.status.inbox.waiting === 0, 'the rest')
    expect(client.status.inbox).toMatchObject({ unprocessed: 0, heldBack: 0, dropped: 0, paused: false })
    expect([errors, server.connections.length]).toEqual([[], 1])
    await until(() => server.received('puback').length === 10 * answerQos, 'the acknowledgements')
  })

  test('pass a response on to a busy handler that matches it too, once and in its turn', async () => {
    const { server, client } = await scriptedClient({
      version,
      script: service(0, 1),
      inbox: { maxUnprocessed: 1 },
    })
    await client.connect()
    const handled: string[] = []
    let finish = () => {}
    const handler = ({ topic }: Message) => {
      handled.push(topic)
      return new Promise<void>((resolve) => (finish = resolve))
    }
    await client.subscribe('#', handler, { ack: 'after-handler' }).ready
    for (const topic of ['a', 'b']) server.publish(topic, '')
    await until(() => client.status.inbox.waiting === 1, 'the second message')
    let responses = 0
    await client.request('service', '', {
      responseTopic: RESPONSES,
      match: () => ++responses > 0,
    })
    expect(handled).toEqual(['a'])
    expect(server.received('puback')).toHaveLength(0)
    for (let n = 0; n < 3; n++) {
      finish()
      await turns()
    }
    expect(handled).toEqual(['a', 'b', RESPONSES])
    await server.waitFor('puback')
    expect([responses, client.status.inbox.unprocessed]).toEqual([1, 0])
  })

  test('that are periodic get their responses, however much waits', async () => {
    const clock = createTestClock()
    const { server, client } = await scriptedClient({
      version,
      clock,
      script: service(20, 0),
      inbox: { maxUnprocessed: 1 },
    })
    await client.connect()
    await client.subscribe('in/#', () => new Promise(() => {}), { ack: 'after-handler' }).ready
    for (const _ of range(100)) server.publish('in/first', 'x'.repeat(20_000))
    await until(() => client.status.inbox.paused, 'the pause')
    let responses = 0
    const onTimeout = () => expect.unreachable()
    client.startPeriodicRequests({
      topic: 'service',
      payload: 'poll',
      interval: 10_000,
      response: { filter: RESPONSES },
      onResponse: () => responses++,
      onTimeout,
    })
    for (let n = 1; n < 4; n++) {
      await until(() => responses === n, `response ${n}`)
      clock.tick(10_000)
    }
  })
})
