import { expect, test } from 'vitest'

import { IncomingTopicAliases } from '../../src/wire/incoming-topic-aliases.ts'

/** Resolves PUBLISH packets one after the other. @returns their topics, or the rule that one broke */
function resolved(maximum: number, ...sent: readonly [topic: string, alias: number][]): string[] {
  const aliases = new IncomingTopicAliases(maximum)
  return sent.map(([topic, topicAlias]) => {
    const payload = Buffer.of()
    const publish = {
      topic,
      payload,
      qos: 0,
      retain: false,
      dup: false,
      packetId: 0,
      properties: undefined,
      topicAlias,
    } as const
    const copy = { ...publish, topic }
    try {
      aliases.resolve(copy)
      return copy.topic
    } catch (error) {
      return (error as { rule: string }).rule
    }
  })
}

test.each([
  [
    'an alias stands for the topic that came with it',
    [
      ['a', 1],
      ['b', 2],
      ['', 1],
      ['', 2],
    ],
    ['a', 'b', 'a', 'b'],
  ],
  [
    'it stands for another one from then on',
    [
      ['a', 1],
      ['b', 1],
      ['', 1],
    ],
    ['a', 'b', 'b'],
  ],
  [
    'a topic without an alias changes nothing',
    [
      ['a', 1],
      ['b', 0],
      ['', 1],
    ],
    ['a', 'b', 'a'],
  ],
  ['an alias that stands for nothing', [['', 3]], ['topicAliasUnknown']],
  ['an alias above the maximum', [['a', 4]], ['topicAliasInvalid']],
  ['an alias above the maximum, without a topic', [['', 4]], ['topicAliasInvalid']],
] as [string, [string, number][], string[]][])('%s', (_, sent, topics) => {
  expect(resolved(3, ...sent)).toEqual(topics)
})

test('with a maximum of 0 there are no aliases', () => {
  expect(resolved(0, ['a', 1], ['b', 0])).toEqual(['topicAliasInvalid', 'b'])
})
