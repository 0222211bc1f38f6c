import { describe, expect, test } from 'vitest'

import { connectionMachine } from '../../machines/index.ts'
import { fileName, logLines } from '../../visualizer/page/src/model/export.ts'
import { countsOf, fleetOf, headline, type Member } from '../../visualizer/page/src/model/fleet.ts'
import { heatOf, worstOf } from '../../visualizer/page/src/model/heat.ts'
import {
  type Age,
  failuresOf,
  filtered,
  groupsOf,
  type Order,
  sorted,
} from '../../visualizer/page/src/model/members.ts'
import { namesOf } from '../../visualizer/page/src/model/processes.ts'
import { fittingRange, isUseful, ranges } from '../../visualizer/page/src/model/range.ts'
import { Store } from '../../visualizer/page/src/model/store.ts'
import { fleetTabOf, tabOf } from '../../visualizer/page/src/model/tab.ts'
import { hashOf, routeOf, viewOf } from '../../visualizer/page/src/model/view.ts'
import type { Json, WelcomeMessage } from '../../visualizer/protocol.ts'
import { definitionOf } from '../../visualizer/record/definition.ts'

const MINUTE = 60_000
const definition = definitionOf(connectionMachine.config)
const base = { id: null, _version: '1' } as const
const refused = { kind: 'socket', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 10.0.0.1:8883' }

interface State {
  readonly value: Json
  readonly tags: readonly string[]
  readonly failure?: Json
}

const states = {
  online: { value: { connected: 'ready' }, tags: ['online'] },
  waiting: { value: 'reconnecting', tags: ['waiting'], failure: refused },
  busy: { value: 'connecting', tags: ['busy'], failure: refused },
  failed: { value: 'failed', tags: ['resting'], failure: { kind: 'refused', reasonCode: 0x86, protocolVersion: 5 } },
  idle: { value: 'idle', tags: ['resting'], failure: refused },
} as const satisfies Record<string, State>

/** A page with connections of one process. */
function page() {
  const store = new Store()
  let lastId = 0
  const feed = (offlineSince?: number, supersededAt?: number) =>
    store.apply({
      type: '@xstate-mqtt.feed',
      createdAt: '1',
      feedId: 'f1',
      name: 'gateway',
      status: offlineSince === undefined ? 'online' : 'offline',
      ...(offlineSince !== undefined && { offlineSince }),
      ...(supersededAt !== undefined && { supersededAt }),
      dropped: 0,
      droppedTransitions: 0,
    })
  const live = () => store.apply({ type: '@xstate-mqtt.live', createdAt: '1', replayed: 0, forgotten: 0 })
  const connection = (name: string, id = `f1/${name}`) => {
    const ids = { sessionId: id, rootId: id, parentId: undefined }
    const snapshot = { status: 'active' } as const
    store.apply({ type: '@xstate.actor', createdAt: '1', ...base, ...ids, name, feedId: 'f1', definition, snapshot })
  }
  const step = (
    name: string,
    time: number,
    { value, tags, failure }: State,
    status: 'active' | 'stopped' = 'active',
  ) => {
    const ids = { sessionId: `f1/${name}`, rootId: `f1/${name}`, id: String(++lastId) }
    const snapshot = { status, value, tags, ...(failure !== undefined && { context: { failure } }) } as const
    const message = { type: '@xstate.snapshot', createdAt: String(time), ...base, ...ids } as const
    store.apply({ ...message, snapshot, timers: [], event: { type: 'E' } })
  }
  feed()
  return { store, feed, live, connection, step }
}

describe('the members of a fleet', () => {
  test('have the state, the condition, the failure while they are not connected, and the time', () => {
    const { store, connection, step } = page()
    for (const [name, state] of Object.entries(states)) {
      connection(name)
      step(name, 100, state)
    }
    expect(
      fleetOf(store, null).map(({ name, state, condition, failure, since }) => [
        name,
        state,
        condition,
        failure,
        since,
      ]),
    ).toEqual([
      ['online', 'connected.ready', 'online', '', 100],
      ['waiting', 'reconnecting', 'waiting', refused.message, 100],
      ['busy', 'connecting', 'busy', refused.message, 100],
      ['failed', 'failed', 'failed', expect.stringContaining('bad user name or password'), 100],
      ['idle', 'idle', 'resting', '', 100],
    ])
  })

  test('of a process that stopped reporting are never connected', () => {
    const { store, feed, connection, step } = page()
    connection('a')
    step('a', 100, states.online)
    feed(500)
    expect(fleetOf(store, null)).toMatchObject([{ condition: 'silent', since: 500, state: 'connected.ready' }])
    expect(fleetOf(store, 400)).toMatchObject([{ condition: 'online', since: 100 }])
    expect(fleetOf(store, 600)).toMatchObject([{ condition: 'silent' }])
  })

  test('are not connected either if the visualizer itself is gone', () => {
    const { store, connection, step, live } = page()
    live()
    connection('a')
    step('a', 100, states.online)
    store.setLink({ status: 'lost', since: 300, retryAt: 400 })
    expect(fleetOf(store, null)).toMatchObject([{ condition: 'silent', since: 300 }])
  })

  test('are shown as they were at a past moment, and only if they existed', () => {
    const { store, connection, step } = page()
    connection('a')
    step('a', 100, states.online)
    step('a', 200, states.waiting)
    expect(
      [50, 150, 250].map((at) => fleetOf(store, at).map(({ condition, failure }) => [condition, failure])),
    ).toEqual([[], [['online', '']], [['waiting', refused.message]]])
  })

  test('of a process that was restarted are part of the past alone', () => {
    const { store, feed, live, connection, step } = page()
    live()
    connection('a')
    step('a', 100, states.online)
    feed(500, 800)
    expect(fleetOf(store, null)).toEqual([])
    expect(fleetOf(store, 400)).toMatchObject([{ condition: 'online', since: 100 }])
    expect(fleetOf(store, 600)).toMatchObject([{ condition: 'silent', since: 500 }])
    expect(fleetOf(store, 800)).toEqual([])
    const [a] = store.actors.values()
    expect(a && namesOf(store).process(a)).toBe('')
  })

  test('of a process that was forgotten while the page was away are forgotten', () => {
    const { store, feed, live, connection } = page()
    const welcome = { version: 1, serverId: 's', startedAt: 1, allowCommands: false, history: 1, maxMessageBytes: 1 }
    live()
    connection('a')
    for (const isKnown of [true, false]) {
      store.apply({ type: '@xstate-mqtt.welcome', createdAt: '1', ...welcome } as WelcomeMessage)
      if (isKnown) feed()
      live()
      expect([store.actors.size, store.feeds.size]).toEqual(isKnown ? [1, 1] : [0, 0])
    }
  })

  test('leave out what has stopped', () => {
    const { store, connection, step } = page()
    connection('a')
    step('a', 100, states.online, 'stopped')
    expect(fleetOf(store, null)).toEqual([])
  })
})

const member = (name: string, fields: Partial<Member> = {}): Member => ({
  id: name,
  name,
  process: '',
  state: 'connected.ready',
  condition: 'online',
  failure: '',
  since: 0,
  ...fields,
})

const fleet = [
  member('pump 10', { since: 30 }),
  member('pump 9', { since: 20, condition: 'waiting', state: 'reconnecting', failure: 'no route' }),
  member('gate', { since: 10, condition: 'failed', state: 'failed', failure: 'bad password', process: 'north' }),
]

describe('the list of members', () => {
  test.each<[Order, string[]]>([
    ['worst', ['gate', 'pump 9', 'pump 10']],
    ['name', ['gate', 'pump 9', 'pump 10']],
    ['failure', ['gate', 'pump 9', 'pump 10']],
    ['longest', ['gate', 'pump 9', 'pump 10']],
    ['latest', ['pump 10', 'pump 9', 'gate']],
  ])('is ordered: %s', (order, names) => {
    expect(sorted(fleet, order).map(({ name }) => name)).toEqual(names)
    expect(sorted(fleet.toReversed(), order).map(({ name }) => name)).toEqual(names)
  })

  test.each<[Age, string[]]>([
    ['any', ['pump 10', 'pump 9', 'gate']],
    ['a minute at most', ['pump 10']],
    ['10 minutes at most', ['pump 10', 'pump 9']],
    ['more than an hour', ['gate']],
  ])('is filtered by the time in the state: %s', (age, names) => {
    const now = 3_700_000
    const since = [now - 60_000, now - 61_000, 0]
    const members = fleet.map((each, index) => ({ ...each, since: since[index] ?? 0 }))
    const found = filtered(members, { query: '', conditions: new Set(), failure: '', age }, now)
    expect(found.map(({ name }) => name)).toEqual(names)
  })

  test.each([
    ['', [], '', 3],
    ['PUMP', [], '', 2],
    ['pump route', [], '', 1],
    ['north', [], '', 1],
    ['', ['failed', 'online'], '', 2],
    ['', [], 'no route', 1],
    ['pump', ['failed'], '', 0],
  ] as const)('is filtered by %j, %j and %j', (query, conditions, failure, count) => {
    const filter = { query, conditions: new Set(conditions), failure, age: 'any' } as const
    expect(filtered(fleet, filter, 0)).toHaveLength(count)
  })

  test('is grouped by condition or by failure', () => {
    expect(groupsOf(sorted(fleet, 'worst'), 'worst').map(({ title }) => title)).toEqual([
      '✕ failed',
      '… waiting to retry',
      '✓ connected',
    ])
    expect(groupsOf(sorted(fleet, 'failure'), 'failure').map(({ title }) => title)).toEqual([
      'bad password',
      'no route',
      'without a failure',
    ])
    expect(groupsOf(fleet, 'latest')).toHaveLength(1)
  })

  test.each([
    [{ online: 3 }, 'All 3 connections are up'],
    [{ online: 1, failed: 1, waiting: 1 }, '2 of 3 connections are not up'],
    [{ online: 1, silent: 2 }, '2 of 3 connections do not report'],
    [{ online: 1_000, silent: 2, busy: 1 }, '1 of 1,003 connections are not up, 2 do not report'],
    [{}, 'No connection'],
  ])('is summed up: %j', (counts, words) => {
    expect(headline({ ...countsOf([]), ...counts })).toBe(words)
  })

  test('counts conditions and failures', () => {
    expect(countsOf(fleet)).toMatchObject({ failed: 1, waiting: 1, online: 1, silent: 0 })
    expect(failuresOf([...fleet, member('x', { failure: 'no route' })])).toEqual([
      ['no route', 2],
      ['bad password', 1],
    ])
  })
})

describe('the timeline of a fleet', () => {
  const bands = [
    { start: 0, family: 'online' },
    { start: 500, family: 'waiting' },
    { start: 520, family: 'online' },
  ] as const

  test('shows the worst of each part of the time, even if it was brief', () => {
    const { online, waiting } = heatOf([{ bands, silentSince: null }], 0, 1_000, 10)
    expect([...waiting]).toEqual([0, 0, 0, 0, 0, 1, 0, 0, 0, 0])
    expect([...online]).toEqual([1, 1, 1, 1, 1, 0, 1, 1, 1, 1])
  })

  test('counts each connection once in each part, and none before it existed', () => {
    const late = { bands: [{ start: 300, family: 'busy' }] as const, silentSince: null }
    const heat = heatOf([{ bands, silentSince: null }, late], 0, 1_000, 10)
    const all = Array.from({ length: 10 }, (_, column) =>
      Object.values(heat).reduce((sum, counts) => sum + (counts[column] ?? 0), 0),
    )
    expect(all).toEqual([1, 1, 1, 2, 2, 2, 2, 2, 2, 2])
  })

  test('does not know more after a process stopped reporting', () => {
    const { online, silent } = heatOf([{ bands: [{ start: 0, family: 'online' }], silentSince: 700 }], 0, 1_000, 10)
    expect([...online].join('')).toBe('1111111000')
    expect([...silent].join('')).toBe('0000000111')
  })

  test('ends where another process took the place of one', () => {
    const course = { bands: [{ start: 0, family: 'online' }] as const, silentSince: 500, supersededAt: 700 }
    const { online, silent } = heatOf([course], 0, 1_000, 10)
    expect([...online].join('')).toBe('1111100000')
    expect([...silent].join('')).toBe('0000011000')
  })

  test('is at its worst when the most are without a connection, whatever the reason', () => {
    const busy = { bands: [{ start: 300, family: 'busy' }] as const, silentSince: null }
    const idle = { bands: [{ start: 500, family: 'resting' }] as const, silentSince: null }
    const gone = { bands: [{ start: 0, family: 'online' }] as const, silentSince: 0 }
    expect(worstOf(heatOf([{ bands, silentSince: null }, busy, idle, gone], 0, 1_000, 10))).toEqual({
      count: 3,
      column: 5,
    })
    expect(worstOf(heatOf([gone], 0, 1_000, 10))).toBeNull()
  })

  test('of a fleet that connects in sight begins when the first is up, otherwise at once', () => {
    const starting = [
      { start: 150, family: 'busy' },
      { start: 250, family: 'online' },
    ] as const
    const later = [
      { start: 450, family: 'busy' },
      { start: 550, family: 'online' },
    ] as const
    const courses = [starting, starting].map((course) => ({ bands: course, silentSince: null }))
    expect(worstOf(heatOf(courses, 0, 1_000, 10))).toBeNull()
    expect(worstOf(heatOf([...courses, { bands: later, silentSince: null }], 0, 1_000, 10))).toMatchObject({ count: 1 })
    expect(worstOf(heatOf(courses, 200, 1_000, 10))).toMatchObject({ count: 2 })
    const down = [{ start: 150, family: 'waiting' }] as const
    expect(worstOf(heatOf([{ bands: down, silentSince: null }], 0, 1_000, 10))).toMatchObject({ count: 1 })
  })

  test('begins in the middle of a state', () => {
    const { waiting } = heatOf([{ bands: [{ start: -5_000, family: 'waiting' }], silentSince: null }], 0, 1_000, 4)
    expect([...waiting]).toEqual([1, 1, 1, 1])
  })

  test('leaves out states that a connection only passes through', () => {
    const passing = [
      { start: 0, family: 'busy' },
      { start: 500, family: 'failed' },
      { start: 501, family: 'waiting' },
    ] as const
    expect([...heatOf([{ bands: passing, silentSince: null }], 0, 1_000, 10).failed]).not.toContain(1)
  })
})

test.each([0, 1_000, 2.5 * MINUTE, 65 * MINUTE, 7 * 60 * MINUTE])('the time shown fits what is known: %i ms', (age) => {
  const range = fittingRange(1_000, 1_000 + age)
  expect(range).toBeGreaterThanOrEqual(Math.max(age, MINUTE / 2))
  expect(range).toBeLessThanOrEqual(Math.max(age * 1.16, MINUTE / 2))
})

test('the time shown is a day at most, and a range that shows nothing more is not offered', () => {
  expect(fittingRange(0, 40 * 60 * MINUTE)).toBe(24 * 60 * MINUTE)
  expect(ranges.map(([, ms]) => isUseful(ms, 0, 65 * MINUTE))).toEqual([true, true, true, false, false])
})

describe('the tab', () => {
  test('tells the worst of a fleet, and how many are connected', () => {
    const { store, live, connection, step, feed } = page()
    const all = () => fleetTabOf(store, countsOf(fleetOf(store, null)))
    expect(tabOf(store, null, '')).toEqual({ title: 'Loading · xstate-mqtt', condition: 'resting' })
    live()
    expect(tabOf(store, null, '').title).toBe('No connection yet · xstate-mqtt')
    connection('a')
    step('a', 100, states.online)
    expect(all()).toEqual({ title: '✓ 1 of 1 connected · xstate-mqtt', condition: 'online' })
    connection('b')
    step('b', 100, states.waiting)
    expect(all().title).toBe('… 1 waiting to retry, 1 of 2 connected · xstate-mqtt')
    const [a] = store.actors.values()
    expect(tabOf(store, a ?? null, 'connected').title).toBe('✓ connected · a · xstate-mqtt')
    feed(500)
    expect(tabOf(store, a ?? null, 'connected').title).toBe('? not reporting · a · xstate-mqtt')
    store.setLink({ status: 'lost', since: 1, retryAt: 2 })
    expect(all()).toEqual({ title: '? Out of date · xstate-mqtt', condition: 'silent' })
  })
})

describe('the view', () => {
  const many = (count: number) => {
    const { store, live, connection } = page()
    for (let index = 0; index < count; index++) connection(`c${index}`)
    return { store, live }
  }

  test.each([
    [0, 'empty'],
    [1, 'one'],
    [10, 'one'],
    [11, 'fleet'],
  ] as const)('of %i connections begins with: %s', (count, view) => {
    const { store, live } = many(count)
    expect(viewOf(store, { show: 'auto' }, 'loading')).toBe('loading')
    live()
    expect(viewOf(store, { show: 'auto' }, 'loading')).toBe(view)
  })

  test('is what the address says, if that exists', () => {
    const { store, live } = many(11)
    live()
    expect(viewOf(store, { show: 'one', id: 'f1/c3' }, 'fleet')).toBe('one')
    expect(viewOf(store, { show: 'one', id: 'f9/c3' }, 'fleet')).toBe('fleet')
    const few = many(2)
    few.live()
    expect(viewOf(few.store, { show: 'all' }, 'one')).toBe('fleet')
  })

  test('stays while the page connects again', () => {
    const { store, live } = many(11)
    live()
    store.setLink({ status: 'lost', since: 1, retryAt: 2 })
    expect(viewOf(store, { show: 'auto' }, 'fleet')).toBe('fleet')
    expect(viewOf(store, { show: 'auto' }, 'loading')).toBe('loading')
    store.setLink({ status: 'refused', since: 1, message: 'no' })
    expect(viewOf(store, { show: 'auto' }, 'loading')).toBe('refused')
  })

  test.each([{ show: 'auto' }, { show: 'all' }, { show: 'one', id: 'f1/x:3 &#' }] as const)(
    'has an address: %j',
    (route) => {
      expect(routeOf(hashOf(route))).toEqual(route)
    },
  )

  test('is the usual one for an address that makes no sense', () => {
    expect(['#nonsense', '#one=%E0%A4%A', ''].map((hash) => routeOf(hash))).toEqual([
      { show: 'auto' },
      { show: 'auto' },
      { show: 'auto' },
    ])
  })
})

test('the exported log is a line of JSON for each step', () => {
  const { store, connection, step } = page()
  connection('a')
  step('a', 100, states.online)
  step('a', 200, states.waiting)
  const lines = logLines(store.entries, namesOf(store)).split('\n')
  expect(lines.map((line) => line && (JSON.parse(line) as unknown))).toMatchObject([
    { time: '1970-01-01T00:00:00.100Z', actor: 'a', to: 'connected.ready', changed: true },
    { time: '1970-01-01T00:00:00.200Z', from: 'connected.ready', to: 'reconnecting' },
    '',
  ])
  expect(fileName('pump 7/../x', 0)).toBe('xstate-mqtt-pump-7-..-x-1970-01-01T00-00-00.jsonl')
  expect(fileName('', 0)).toBe('xstate-mqtt-1970-01-01T00-00-00.jsonl')
})
