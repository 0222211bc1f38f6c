import { describe, expect, test } from 'vitest'

import type { Failure } from '../../../machines/failure.ts'
import { referencesOf, targetOf } from '../../../machines/policy/server-reference.ts'
import {
  betterServers,
  blamed,
  defaultFailover,
  type FailoverPolicy,
  goesToMoved,
  isCooling,
  knownServers,
  type ListedServer,
  opened,
  pickServer,
  proven,
  type ServerHealth,
} from '../../../machines/policy/servers.ts'
import { seeded } from '../../../measure/lab/seeded.ts'
import { range } from '../../support/range.ts'

const closed: Failure = { kind: 'closed' }
const NOW = 1e12

/** Servers of one letter each, with their priorities and weights. */
function listOf(...listed: readonly [name: string, priority?: number, weight?: number][]) {
  return listed.map(([server, priority = 0, weight = 1]): ListedServer => ({ server, priority, weight }))
}

/** A list on a clock, whose servers fail or open as a test says. */
function scene(listed: readonly ListedServer[], given: Partial<FailoverPolicy> = {}, random = () => 0) {
  const policy: FailoverPolicy = { ...defaultFailover, selection: 'ordered', ...given }
  let servers = knownServers(listed, [])
  let now = NOW
  let current: string | null = null
  const change = (name: string, to: (health: ServerHealth) => ServerHealth) => {
    servers = servers.map((each) => (each.server === name ? to(each) : each)) as unknown as typeof servers
  }
  return {
    get servers() {
      return servers
    },
    pass: (ms: number) => void (now += ms),
    /** Chooses a server, which stays the current one. */
    pick: (leavesFor: 'none' | 'cooling' | 'better' = 'cooling') => {
      const picked = pickServer(servers, { policy, index: 0, current, leavesFor, now, random })
      servers = picked.servers as typeof servers
      current = picked.server.server
      return current
    },
    fail: (name = current ?? '') => {
      change(name, (each) => blamed(each, closed, policy, now))
      if (name === current) current = null
    },
    open: (connectTime = 0) => change(current ?? '', (each) => opened(each, connectTime, policy, now)),
    prove: () => {
      change(current ?? '', (each) => proven(each, false, policy))
      servers = servers.map((each) => ({ ...each, tried: false })) as unknown as typeof servers
    },
    better: () => betterServers(servers, { policy, current, now }).map(({ server }) => server),
    cooling: () => servers.filter((each) => isCooling(each, policy, now)).map(({ server }) => server),
    health: (name: string) => servers.find(({ server }) => server === name)!,
  }
}

/** Fails every server that is chosen. */
function failing(list: ReturnType<typeof scene>, n: number, delay: number): string {
  return range(n)
    .map(() => {
      const name = list.pick()
      list.fail()
      list.pass(delay)
      return name
    })
    .join('')
}

describe('while every server fails', () => {
  const three = listOf(['c', 1], ['a'], ['b'])

  test.each([
    ['delays shorter than the cool-downs', 1, 'abcabcabc'],
    ['delays longer than all cool-downs', 1_000_000, 'abcabcabc'],
    ['no delay', 0, 'abcabcabc'],
  ])('%s: each is tried in turn, the best priority first', (_, delay, order) => {
    expect(failing(scene(three), 9, delay)).toBe(order)
  })

  test('without a cool-down, too', () => {
    expect(failing(scene(three, { coolDown: 0, maxCoolDown: 0 }), 6, 1_000)).toBe('abcabc')
  })

  test('a list that rotates is used in its order, whatever the priorities', () => {
    const servers = knownServers(three, [])
    const policy = defaultFailover
    const query = { policy, current: null, leavesFor: 'cooling', now: NOW, random: () => 0 } as const
    const order = range(6).map((index) => pickServer(servers, { ...query, index }).server.server)
    expect(order.join('')).toBe('cabcab')
  })
})

describe('the cool-down', () => {
  test('grows with each failure in a row, up to the longest', () => {
    const list = scene(listOf(['a']), { coolDown: 1_000, maxCoolDown: 5_000 })
    const times = range(6).map(() => {
      list.pick()
      list.fail()
      return list.health('a').coolingUntil! - NOW
    })
    expect(times).toEqual([1_000, 2_000, 4_000, 5_000, 5_000, 5_000])
  })

  test('is bounded after thousands of failures', () => {
    const list = scene(listOf(['a']))
    failing(list, 5_000, 0)
    expect(list.health('a').coolingUntil).toBe(NOW + 900_000)
  })

  test('ends, and counts from the start again after a stable connection', () => {
    const list = scene(listOf(['a'], ['b', 1]))
    expect(list.pick()).toBe('a')
    list.fail()
    expect(list.cooling()).toEqual(['a'])
    list.pass(30_000)
    expect(list.cooling()).toEqual([])
    list.pick('better')
    list.open()
    list.prove()
    expect(list.health('a')).toMatchObject({ failures: 1 })
    expect(list.health('b')).toMatchObject({ failures: 0, coolingUntil: null, connects: 1 })
  })

  test('does not last if the wall clock was set back', () => {
    const list = scene(listOf(['a'], ['b', 1]))
    list.fail('a')
    list.pass(-86_400_000)
    expect(list.cooling()).toEqual([])
  })

  test('if all cool down, the one that is ready first is tried', () => {
    const list = scene(listOf(['a'], ['b']))
    list.fail('a')
    list.fail('a')
    list.pass(1_000)
    list.fail('b')
    expect(list.pick()).toBe('b')
  })
})

describe('a slow server', () => {
  test.each([
    [10_000, []],
    [10_001, ['a']],
  ])('that took %d ms to connect cools down: %j', (connectTime, cooling) => {
    const list = scene(listOf(['a'], ['b']))
    list.pick()
    list.open(connectTime)
    expect(list.cooling()).toEqual(cooling)
    // It works all the same: it is left only when the connection ends.
    list.prove()
    expect(list.cooling()).toEqual(cooling)
    expect(list.pick()).toBe(cooling.length > 0 ? 'b' : 'a')
  })
})

describe('the current server', () => {
  test('is kept', () => {
    const list = scene(listOf(['a'], ['b', 1]))
    list.fail('a')
    expect(list.pick()).toBe('b')
    list.prove()
    list.pass(1_000_000)
    expect(list.pick()).toBe('b')
  })

  test('is left for a better one only if that is allowed and the better one has cooled down', () => {
    const list = scene(listOf(['a'], ['b', 1], ['c', 2]))
    list.fail('a')
    expect(list.pick()).toBe('b')
    list.prove()
    expect(list.better()).toEqual([])
    expect(list.pick('better')).toBe('b')
    list.pass(30_000)
    expect(list.better()).toEqual(['a'])
    expect(list.pick('none')).toBe('b')
    expect(list.pick('cooling')).toBe('b')
    expect(list.pick('better')).toBe('a')
  })

  test('is never left for one with the same priority', () => {
    const list = scene(listOf(['a'], ['b']))
    list.fail('a')
    list.pick()
    list.pass(1_000_000)
    expect(list.better()).toEqual([])
    expect(list.pick('better')).toBe('b')
  })
})

describe('weights', () => {
  /** How often each server is chosen first, in percent. */
  function shares(listed: readonly ListedServer[], random = seeded(7), times = 10_000) {
    const counts: Record<string, number> = {}
    for (const _ of range(times)) {
      const name = scene(listed, { selection: 'weighted' }, random).pick()
      counts[name] = (counts[name] ?? 0) + 100 / times
    }
    return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, Math.round(count)]))
  }

  test.each([
    ['in proportion', listOf(['a', 0, 3], ['b', 0, 1]), { a: 75, b: 25 }],
    ['within the best priority only', listOf(['a', 1, 100], ['b', 0, 1], ['c', 0, 1]), { b: 50, c: 50 }],
    ['0 is not chosen', listOf(['a', 0, 0], ['b', 0, 1]), { b: 100 }],
    ['all of them 0: alike', listOf(['a', 0, 0], ['b', 0, 0]), { a: 50, b: 50 }],
  ])('%s', (_, listed, expected) => {
    const found = shares(listed)
    expect(Object.keys(found).toSorted()).toEqual(Object.keys(expected).toSorted())
    for (const [name, share] of Object.entries(expected)) expect(Math.abs(found[name]! - share)).toBeLessThanOrEqual(2)
  })

  const broken = () => {
    throw new Error('no entropy')
  }

  test.each<[string, () => number]>([
    ...[0, 0.5, 0.999_999, 1, -5, 1e9, Number.NaN].map((number): [string, () => number] => [`${number}`, () => number]),
    ['an error', broken],
  ])('with %s as the random number, a server is chosen', (_, random) => {
    expect(Object.keys(shares(listOf(['a', 0, 3], ['b', 0, 1]), random, 10))).toHaveLength(1)
    expect(Object.keys(shares(listOf(['a', 0, 0], ['b', 0, 0]), random, 10))).toHaveLength(1)
  })

  test('a server with the weight 0 is used when the others cool down', () => {
    const list = scene(listOf(['a', 0, 0], ['b', 0, 1], ['c', 1, 9]), { selection: 'weighted' })
    expect(failing(list, 3, 1)).toBe('bac')
  })
})

describe('what is known of a server', () => {
  test('is kept by its name, and its priority is that of the new list', () => {
    const list = scene(listOf(['a'], ['b']))
    list.fail('a')
    expect(knownServers(listOf(['c'], ['a', 5]), list.servers)).toMatchObject([
      { server: 'c', failures: 0, priority: 0 },
      { server: 'a', failures: 1, priority: 5 },
    ])
  })

  test.each([0, 1, 2, 3, 4, 5, 6])('after %d failures, the place that it has moved to is used', (failures) => {
    const [server] = knownServers(listOf(['a']), [])
    expect(goesToMoved({ ...server, failures })).toBe(false)
    expect(goesToMoved({ ...server, movedTo: 'b', failures })).toBe([0, 1, 2, 4, 6].includes(failures))
  })

  test.each([
    [true, 'b'],
    [false, null],
  ])('after a stable connection, its move is kept if it was used (%s)', (hasMoved, movedTo) => {
    const [server] = knownServers(listOf(['a']), [])
    expect(proven({ ...server, movedTo: 'b' }, hasMoved, defaultFailover).movedTo).toBe(movedTo)
  })
})

describe('a Server Reference', () => {
  test.each([
    ['b', 'mqtts://a:8883', 'mqtts://b:8883'],
    ['b:1', 'mqtts://a:8883', 'mqtts://b:1'],
    ['mqtt://B.example:1883/path?query', 'mqtts://a:8883', 'mqtts://b.example:1883'],
    ['wss://b', 'ws://a:80', 'ws://b:80'],
    ['[::1]:9', 'mqtt://a:1883', 'mqtt://::1:9'],
    ['b', null, 'b'],
    ['b:1', null, 'b:1'],
    ['user@b', 'mqtt://a:1883', undefined],
    ['', 'mqtt://a:1883', undefined],
  ])('%s from %s leads to %s', (reference, from, target) => {
    expect(targetOf(reference, from)).toBe(target)
  })

  test('may name several servers', () => {
    expect(referencesOf('  a:1  b\tc ')).toEqual(['a:1', 'b', 'c'])
  })
})
