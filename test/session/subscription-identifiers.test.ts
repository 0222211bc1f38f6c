import { describe, expect, test } from 'vitest'

import type { ResilientMqttClient } from '../../src/index.ts'
import { FilterGroups } from '../../src/session/subscriptions/filter-groups.ts'
import { TopicMatcher } from '../../src/session/subscriptions/topic-matcher.ts'
import type { ScriptedServer } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { fc } from '../support/property.ts'
import { range } from '../support/range.ts'
import { scriptedClient } from '../support/scripted-client.ts'

/** The subscription identifiers of the client's SUBSCRIBE packets, by filter. */
function identifiers(server: ScriptedServer): Record<string, unknown> {
  const entries = server
    .received('subscribe')
    .flatMap(({ subscriptions, properties }) =>
      subscriptions.map(({ topic }) => [topic, properties?.subscriptionIdentifier] as const),
    )
  return Object.fromEntries(entries)
}

/** Counts the messages of each filter's handler. */
function count(client: ResilientMqttClient, filters: readonly string[]): Record<string, number> {
  const got: Record<string, number> = {}
  for (const filter of filters) client.subscribe(filter, () => (got[filter] = (got[filter] ?? 0) + 1))
  return got
}

const OVERLAPPING = ['o/#', 'o/+', 'o/x', '$share/g/o/x', 'elsewhere']

describe('subscription identifiers', () => {
  test('differ for overlapping filters, while other filters share a SUBSCRIBE', async () => {
    const { server, client } = await scriptedClient()
    count(client, OVERLAPPING)
    await client.connect()
    expect(identifiers(server)).toEqual({ 'o/#': 1, elsewhere: 1, 'o/+': 2, 'o/x': 3, '$share/g/o/x': 4 })
    expect(server.received('subscribe')).toHaveLength(4)
  })

  test('let each handler get a message once if the broker sends a copy per subscription', async () => {
    const { server, client } = await scriptedClient()
    const got = count(client, OVERLAPPING)
    await client.connect()
    // Another member of the shared group got the fourth message.
    for (const subscriptionIdentifier of [1, 2, 3]) {
      server.publish('o/x', '', { properties: { subscriptionIdentifier } })
    }
    await until(() => got['o/x'] !== undefined)
    await turns()
    expect(got).toEqual({ 'o/#': 1, 'o/+': 1, 'o/x': 1 })
  })

  test.each([
    {
      name: 'one copy with several identifiers',
      properties: { subscriptionIdentifier: [1, 3] },
      meant: ['o/#', 'o/x'],
    },
    { name: 'one without', properties: {}, meant: ['$share/g/o/x', 'o/#', 'o/+', 'o/x'] },
    {
      name: 'one identifier of an earlier process with other groups',
      properties: { subscriptionIdentifier: 77 },
      meant: ['$share/g/o/x', 'o/#', 'o/+', 'o/x'],
    },
  ])('$name', async ({ properties, meant }) => {
    const { server, client } = await scriptedClient()
    const got = count(client, OVERLAPPING)
    await client.connect()
    server.publish('o/x', '', { properties })
    await until(() => Object.keys(got).length > 0)
    await turns()
    expect(Object.keys(got).toSorted()).toEqual(meant)
    expect(new Set(Object.values(got))).toEqual(new Set([1]))
  })

  test.each([
    { version: 4, script: {} },
    { version: 5, script: { connack: { properties: { subscriptionIdentifiersAvailable: false } } } },
  ] as const)('a broker that knows none is sent none (MQTT $version)', async ({ version, script }) => {
    const { server, client } = await scriptedClient({ version, script })
    count(client, OVERLAPPING)
    await client.connect()
    expect(new Set(Object.values(identifiers(server)))).toEqual(new Set([undefined]))
    expect(server.received('subscribe')).toHaveLength(1)
  })
})

describe('groups of filters', () => {
  const level = fc.constantFrom('', 'a', 'b', '+', '$SYS')
  const filter = fc
    .tuple(fc.array(level, { minLength: 1, maxLength: 4 }), fc.boolean(), fc.boolean())
    .map(([levels, hash, shared]) => `${shared ? '$share/g/' : ''}${[...levels, ...(hash ? ['#'] : [])].join('/')}`)
  const topic = fc
    .array(
      level.filter((name) => name !== '+'),
      { minLength: 1, maxLength: 5 },
    )
    .map((levels) => levels.join('/'))

  test('never contain two filters that match the same topic, whatever is added and removed', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(filter, fc.boolean())), fc.array(topic), (steps, topics) => {
        const groups = new FilterGroups<{ filter: string; identifier: number }>()
        const held = new Map<string, { filter: string; identifier: number }>()
        for (const [name, adds] of steps) {
          const value = held.get(name)
          if (value && !adds) {
            groups.remove(value)
            held.delete(name)
          }
          if (value || !adds) continue
          held.set(name, { filter: name, identifier: groups.identifierFor(name) })
          groups.add(held.get(name)!)
        }
        for (const each of topics) {
          const matching = groups.match(each, undefined).map(({ identifier }) => identifier)
          expect(new Set(matching).size).toBe(matching.length)
        }
      }),
      { numRuns: 500 },
    )
  })

  test.each([
    ['a', 'b', false],
    ['a', 'a', true],
    ['a', 'a/#', true],
    ['a/b', '+/b', true],
    ['a/b', '+/c', false],
    ['a/+/c', 'a/b/+', true],
    ['a/+/c', 'b/+/c', false],
    ['a/b', 'a/b/c', false],
    ['a/#', 'a/b/c', true],
    ['+/#', 'a', true],
    ['$share/g/a', 'a', true],
  ])('%s and %s overlap: %s', (one, other, expected) => {
    for (const [held, asked] of [
      [one, other],
      [other, one],
    ] as const) {
      const matcher = new TopicMatcher<string>()
      matcher.add(held, held)
      expect(matcher.overlaps(asked)).toBe(expected)
    }
  })

  test('stay few, with a bounded search for overlaps', () => {
    const groups = new FilterGroups<{ filter: string; identifier: number }>()
    const filters = [...range(2_000).map((i) => `d/${i}/state`), ...range(2_000).map((i) => `d/+/cmd/${i}`)]
    const used = filters.map((each) => {
      const identifier = groups.identifierFor(each)
      groups.add({ filter: each, identifier })
      return identifier
    })
    expect(new Set(used)).toEqual(new Set([1, 2]))
  })
})
