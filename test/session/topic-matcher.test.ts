import assert from 'node:assert/strict'
import { describe, expect, test } from 'vitest'

import { TopicMatcher } from '../../src/session/subscriptions/topic-matcher.ts'
import { fc } from '../support/property.ts'
import { range } from '../support/range.ts'

/** A literal implementation of MQTT 5 §4.7. */
function matches(filter: string, topic: string): boolean {
  const shared = /^\$share\/[^/]+\/(.*)$/.exec(filter)
  const wanted = (shared?.[1] ?? filter).split('/')
  const levels = topic.split('/')
  if (topic.startsWith('$') && (wanted[0] === '+' || wanted[0] === '#')) return false
  for (const [i, level] of wanted.entries()) {
    if (level === '#') return true
    if (i >= levels.length || (level !== '+' && level !== levels[i])) return false
  }
  return wanted.length === levels.length
}

const level = fc.constantFrom('', 'a', 'b', '$SYS', '__proto__', 'constructor')
const topic = fc.array(level, { minLength: 1, maxLength: 5 }).map((levels) => levels.join('/'))
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean(), fc.boolean())
  .map(([levels, hash, shared]) => `${shared ? '$share/g/' : ''}${[...levels, ...(hash ? ['#'] : [])].join('/')}`)

describe('the topic matcher', () => {
  test('matches as the specification does after additions and removals', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(filter, fc.boolean())), fc.array(topic), (steps, topics) => {
        const matcher = new TopicMatcher<object>()
        const held = new Map<string, object>()
        for (const [name, add] of steps) {
          const value = held.get(name)
          if (add && !value) {
            held.set(name, { name })
            matcher.add(name, held.get(name)!)
          } else if (value) {
            held.delete(name)
            matcher.remove(name, value)
          }
          for (const each of topics) {
            const expected = [...held].filter(([wanted]) => matches(wanted, each)).map(([, it]) => it)
            const found = matcher.match(each)
            const isSame = found.length === expected.length && new Set([...found, ...expected]).size === found.length
            assert(isSame, `${each}: ${JSON.stringify({ found, expected })}`)
          }
        }
      }),
      { numRuns: 300 },
    )
  })

  test.each([
    ['#', '$SYS/broker', false],
    ['+/broker', '$SYS/broker', false],
    ['$SYS/#', '$SYS/broker', true],
    ['a/#', 'a', true],
    ['+', '', true],
    ['+/+', '/', true],
    ['$share/g/#', '$SYS/broker', false],
    ['__proto__', '__proto__', true],
    ['a/+', 'a/__proto__', true],
    ['resubscribe', 'resubscribe', true],
  ])('%s matches %s: %s', (wanted, name, expected) => {
    const matcher = new TopicMatcher<string>()
    matcher.add(wanted, 'it')
    expect(matcher.match(name)).toEqual(expected ? ['it'] : [])
  })

  test('handles 100,000 filters', () => {
    const matcher = new TopicMatcher<number>()
    for (const i of range(100_000)) matcher.add(`site/${i % 100}/device/${i}/+`, i)
    matcher.add('site/+/device/#', -1)
    const wrong = range(10_000).filter((i) => {
      const found = matcher.match(`site/${i % 100}/device/${i}/x`)
      return found.length !== 2 || !found.includes(-1) || !found.includes(i)
    })
    expect(wrong).toEqual([])
    for (const i of range(100_000)) matcher.remove(`site/${i % 100}/device/${i}/+`, i)
    expect(matcher.match('site/1/device/1/x')).toEqual([-1])
  })
})
