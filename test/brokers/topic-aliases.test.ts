import { describe, expect, test } from 'vitest'

import type { Message } from '../../src/index.ts'
import { until } from '../support/event-loop.ts'
import { howToInstall, installed, startMosquitto } from '../support/mosquitto.ts'
import { range } from '../support/range.ts'
import { startClient } from '../support/recorded-client.ts'

describe.skipIf(!installed)(`mosquitto${installed ? '' : ` (${howToInstall})`}`, () => {
  test('finds the topic of each alias, over three lost connections, and with publishes that are never sent', async () => {
    await using broker = await startMosquitto({ config: ['max_topic_alias 3', 'max_queued_messages 0'] })
    const got: string[] = []
    const subscriber = startClient({ url: broker.url, options: { protocolVersion: 5 } })
    await subscriber.client.connect()
    const receive = (message: Message) => void got.push(`${message.topic} ${message.text()}`)
    await subscriber.client.subscribe('line/#', receive, { qos: 2 }).ready

    const { client } = startClient({
      url: broker.url,
      options: { protocolVersion: 5, clean: false, clientId: 'publisher', autoAssignTopicAlias: true },
      reconnect: { initialDelay: 20, maxDelay: 20, jitter: 'none', maxAttempts: Number.POSITIVE_INFINITY },
    })
    await client.connect()
    expect(client.status.broker?.topicAliasMaximum).toBe(3)
    const published: Promise<unknown>[] = []
    const publish = (n: number, options: object = {}) => {
      const topic = `line/${(n * n) % 7}`
      const result = client.publish(topic, `${topic} ${n}`, { qos: n % 2 ? 1 : 2, ...options })
      published.push(result.catch(() => {}))
    }
    for (const n of range(60)) {
      const abort = new AbortController()
      if (n % 10 === 0) await client.publish('line/now', `line/now ${n}`)
      if (n % 20 === 10) client.actor.send({ type: 'DROP' })
      // Those that wait are removed. Some are sent already.
      publish(n, { signal: abort.signal })
      if (n % 5 === 4) abort.abort()
    }
    await Promise.all(published)
    expect(client.status.counters.interruptions).toBe(3)
    await client.publish('line/end', 'line/end x', { qos: 2 })
    await until(() => got.includes('line/end line/end x'))
    expect(got.filter((each) => each.split(' ')[0] !== each.split(' ')[1])).toEqual([])
    const numbers = new Set(got.map((each) => each.split(' ')[2]))
    expect(
      range(60).filter((n) => n % 5 !== 4 && !numbers.has(`${n}`)),
      'lost',
    ).toEqual([])
  })
})
