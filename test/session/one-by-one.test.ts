import { describe, expect, test } from 'vitest'

import type { ClientEvents } from '../../src/index.ts'
import { OneByOne } from '../../src/session/incoming/one-by-one.ts'
import { createTestClock } from '../../testing/index.ts'
import { until } from '../support/event-loop.ts'
import { range } from '../support/range.ts'
import { scriptedClient, versions } from '../support/scripted-client.ts'

interface Flow {
  readonly messages?: number
  /** How long a handler takes, in milliseconds. */
  readonly hold?: number
  /** From the acknowledgement to the next message, in milliseconds. */
  readonly gap?: number
  /** Called between an acknowledgement and the next message. */
  readonly between?: (i: number, watch: OneByOne) => void
}

function flow({ messages = 21, hold = 100, gap = 5, between }: Flow): number[] {
  let now = 0
  const noticed: number[] = []
  const watch = new OneByOne(() => now)
  for (const i of range(messages)) {
    now += gap
    const holdTime = watch.came(true)
    if (holdTime !== undefined) noticed.push(holdTime)
    now += hold
    watch.acknowledged()
    between?.(i, watch)
  }
  return noticed
}

describe('messages that come one by one', () => {
  test.each<[string, Flow]>([
    ['20 times right after the acknowledgement of a slow one', {}],
    ['within a tenth of that time', { gap: 10 }],
    ['more often: noticed once', { messages: 200 }],
  ])('are noticed: %s', (_, options) => {
    expect(flow(options)).toEqual([100])
  })

  test.each<[string, Flow]>([
    ['too few', { messages: 20 }],
    ['handlers are fast', { hold: 49, gap: 1, messages: 100 }],
    ['they come later, in their own time', { gap: 11, messages: 100 }],
    ['several were unacked at a time before', { between: (i, watch) => i === 0 && watch.came(false), messages: 100 }],
    [
      'the client publishes in between, so that a sender may wait for its answers',
      {
        between: (_i, watch) => watch.published(),
        messages: 100,
      },
    ],
    ['the connection ended in between', { between: (i, watch) => i % 15 === 14 && watch.reset(), messages: 100 }],
  ])('are not noticed: %s', (_, options) => {
    expect(flow(options)).toEqual([])
  })

  test('are noticed again on the next connection', () => {
    expect(flow({ messages: 42, between: (i, watch) => i === 20 && watch.reset() })).toEqual([100, 100])
  })
})

describe.each(versions)('MQTT version $version', ({ version }) => {
  test.each([
    { ack: 'after-handler', slow: [{ holdTime: 80, topic: 'a' }] },
    { ack: 'on-receipt', slow: [] },
  ] as const)('a slow handler with $ack', async ({ ack, slow }) => {
    const clock = createTestClock()
    const { server, client, lines } = await scriptedClient({ version, clock })
    const events: ClientEvents['slowConsumer'][] = []
    client.on('slowConsumer', (event) => events.push(event))
    let calls = 0
    let finish = () => {}
    const handler = () => {
      calls++
      return new Promise<void>((resolve) => (finish = resolve))
    }
    client.subscribe('a', handler, { qos: 1, ack })
    await client.connect()
    for (const i of range(25)) {
      server.publish('a', `${i}`, { qos: 1 })
      await until(() => calls === i + 1)
      clock.tick(80)
      finish()
      await server.waitFor('puback', { count: i + 1 })
    }
    expect(events).toEqual(slow)
    expect(lines.filter(({ message }) => message.startsWith('slowConsumer'))).toHaveLength(slow.length)
  })
})
