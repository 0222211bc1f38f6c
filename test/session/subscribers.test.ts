import { describe, expect, test } from 'vitest'

import { Subscribers, type Subscriber } from '../../src/session/subscriptions/subscribers.ts'
import { fc } from '../support/property.ts'
import { range } from '../support/range.ts'

const plain = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const

function subscriber(options: Partial<Subscriber> = {}) {
  const told: unknown[] = []
  const each: Subscriber & { readonly told: unknown[] } = {
    filter: 'a',
    ...plain,
    granted: (qos) => void told.push(qos),
    rejected: (error) => void told.push(error),
    postponed: (error) => void told.push(error),
    told,
    ...options,
  }
  return each
}

function subscribers(...all: Subscriber[]): Subscribers {
  const group = new Subscribers()
  for (const each of all) group.add(each)
  return group
}

describe('options that satisfy all subscribers of a filter', () => {
  test.each<[string, Partial<Subscriber>[], object]>([
    ['the highest QoS', [{ qos: 1 }, { qos: 2 }, {}], { qos: 2 }],
    ['without no local unless all want it', [{ noLocal: true }, {}], { noLocal: false }],
    ['no local if all want it', [{ noLocal: true }, { noLocal: true, qos: 1 }], { noLocal: true, qos: 1 }],
    ['retain as published if one wants it', [{ retainAsPublished: true }, {}], { retainAsPublished: true }],
    ['the least retain handling', [{ retainHandling: 2 }, { retainHandling: 1 }], { retainHandling: 1 }],
  ])('%s', (_what, options, expected) => {
    const group = subscribers(...options.map(subscriber))
    expect(group.request({ filter: 'a', identifier: 3 })).toEqual({ filter: 'a', identifier: 3, ...plain, ...expected })
  })

  test('the user properties of the newest subscriber that has some', () => {
    const [one, other, simple] = [{ a: '1' }, { a: '2' }, undefined].map((userProperties) =>
      subscriber({ userProperties }),
    )
    const group = subscribers(one!, other!, simple!)
    const request = () => group.request({ filter: 'a', identifier: 1 }).userProperties
    expect(request()).toEqual({ a: '2' })
    group.delete(other!)
    expect(request()).toEqual({ a: '1' })
    group.delete(one!)
    expect(request()).toBeUndefined()
  })

  test('ignores options of subscribers that have left', () => {
    const [exact, other, simple] = [subscriber({ qos: 2 }), subscriber({ qos: 2 }), subscriber()]
    const group = subscribers(exact, other, simple)
    group.delete(exact)
    expect(group.request({ filter: 'a', identifier: 1 }).qos).toBe(2)
    group.delete(other)
    group.delete(other)
    expect(group.request({ filter: 'a', identifier: 1 }).qos).toBe(0)
  })
})

test('options are combined alike, whatever came and left before', () => {
  const options = fc.record({
    qos: fc.constantFrom(0, 1, 2),
    noLocal: fc.boolean(),
    retainAsPublished: fc.boolean(),
    retainHandling: fc.constantFrom(0, 1, 2),
  })
  const steps = fc.array(fc.oneof(options, fc.nat(9)), { maxLength: 20 })
  fc.assert(
    fc.property(steps, (all) => {
      const group = new Subscribers()
      const present: Subscriber[] = []
      for (const step of all) {
        if (typeof step === 'object') group.add(present[present.push(subscriber(step as Partial<Subscriber>)) - 1]!)
        else for (const left of present.splice(step, 1)) group.delete(left)
      }
      if (present.length === 0) return
      const request = group.request({ filter: 'a', identifier: 1 })
      expect(request).toEqual(subscribers(...present).request({ filter: 'a', identifier: 1 }))
      expect(request.qos).toBe(Math.max(...present.map(({ qos }) => qos)))
      expect(request.retainHandling).toBe(Math.min(...present.map(({ retainHandling }) => retainHandling)))
      expect(request.noLocal).toBe(present.every(({ noLocal }) => noLocal))
      expect(request.retainAsPublished).toBe(present.some(({ retainAsPublished }) => retainAsPublished))
    }),
    { numRuns: 300 },
  )
})

describe('the list of subscribers', () => {
  test('is immutable, and only created again after a change', () => {
    const [first, second] = [subscriber(), subscriber()]
    const group = subscribers(first)
    const before = group.list
    expect(group.list).toBe(before)
    group.add(second)
    const both = group.list
    group.delete(first)
    expect([before, both, group.list]).toEqual([[first], [first, second], [second]])
  })
})

describe('the broker', () => {
  test('grants each subscription once', () => {
    const [first, second] = [subscriber(), subscriber()]
    const group = subscribers(first)
    group.serve(1)
    group.add(second)
    group.serve(0)
    expect([first.told, second.told]).toEqual([[1], [0]])
  })

  test('serves earlier subscribers while others are pending', () => {
    const [served, asked, alsoAsked] = [subscriber(), subscriber(), subscriber()]
    const group = subscribers(served)
    expect(group.anyServed).toBe(false)
    group.serve(0)
    group.add(asked)
    group.add(alsoAsked)
    expect(group.anyServed).toBe(true)
    expect(group.takeUnserved()).toEqual([asked, alsoAsked])
    expect(group.list).toEqual([served])
  })

  test('serves no subscriber after it lost the session', () => {
    const all = [subscriber(), subscriber()]
    const group = subscribers(...all)
    group.serve(0)
    group.lose()
    expect(group.anyServed).toBe(false)
    expect(group.takeUnserved()).toEqual(all)
    expect(group.size).toBe(0)
  })
})

describe('a handler', () => {
  test('leads to its first subscriber, until that leaves', () => {
    const handler = () => {}
    const [first, second, loop] = [subscriber({ handler }), subscriber({ handler }), subscriber()]
    const group = subscribers(first, second, loop)
    expect([group.size, group.withHandler(handler)]).toEqual([3, first])
    group.delete(first)
    expect([group.list, group.withHandler(handler), group.has(first)]).toEqual([[second, loop], undefined, false])
    group.delete(second)
    expect(group.list).toEqual([loop])
  })
})

test('looks at each of 10,000 subscribers only a few times', () => {
  let looks = 0
  const counted = () =>
    Object.defineProperty(subscriber(), 'qos', {
      get: () => {
        looks++
        return 0
      },
    })
  const all = range(10_000).map(counted)
  const group = new Subscribers()
  for (const each of all) {
    group.add(each)
    group.request({ filter: 'a', identifier: 1 })
    group.serve(0)
  }
  for (const each of all) group.delete(each)
  expect(group.size).toBe(0)
  expect(looks).toBeLessThan(5 * all.length)
})
