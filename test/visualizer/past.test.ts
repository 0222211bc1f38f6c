import { expect, test } from 'vitest'

import { Store } from '../../visualizer/page/src/model/store.ts'
import type { Family } from '../../visualizer/protocol.ts'
import { Past } from '../../visualizer/record/past.ts'

const stay = (at: number, state: string, family: Family = 'busy') => ({ at, state, family })

function past(stays: readonly ReturnType<typeof stay>[]) {
  const kept = new Past()
  for (const each of stays) kept.enter(each)
  return kept.stays
}

test('the past keeps each state once, in the order of time', () => {
  // After a reconnect, an app reports the current state first.
  const stays = [stay(1, 'a'), stay(9, 'c'), stay(5, 'b'), stay(7, 'c'), stay(8, 'c')]
  expect(past(stays)).toEqual([stay(1, 'a'), stay(5, 'b'), stay(7, 'c')])
})

test('the past of a long time keeps the outages, and not each attempt', () => {
  const stays = Array.from({ length: 100 }, (_, outage) => [
    stay(outage * 1_000, 'connected.ready', 'online'),
    ...Array.from({ length: 20 }, (__, attempt) =>
      attempt % 2 === 0
        ? stay(outage * 1_000 + attempt * 10 + 1, 'reconnecting', 'waiting')
        : stay(outage * 1_000 + attempt * 10 + 1, 'connecting'),
    ),
  ]).flat()
  const kept = past(stays)
  expect(kept.length).toBeLessThanOrEqual(500)
  expect(kept.at(-1)).toEqual(stays.at(-1))
  const ends = kept.filter(({ family }) => family === 'online').map(({ at }) => at)
  expect(ends.length).toBeGreaterThan(50)
  expect(ends).toEqual(ends.toSorted((a, b) => a - b))
})

test('a page shows the past before its messages, and finds the entries of the states that it has', () => {
  const store = new Store()
  const base = { id: null, _version: '1', sessionId: 'f1/x:0', rootId: 'f1/x:0' } as const
  store.apply({
    ...base,
    type: '@xstate.actor',
    createdAt: '300',
    name: 'lamp',
    parentId: undefined,
    definition: '{"id":"lamp","states":{"a":{},"b":{},"c":{}}}',
    feedId: 'f1',
    snapshot: { status: 'active', value: 'c' },
  })
  const stays = [
    [100, 'a', 'busy'],
    [200, 'b', 'busy'],
    [300, 'c', 'busy'],
  ] as const
  store.apply({ type: '@xstate-mqtt.past', createdAt: '400', sessionId: 'f1/x:0', stays })
  for (const [id, time, value] of [
    [1, 200, 'b'],
    [2, 300, 'c'],
  ] as const) {
    const snapshot = { status: 'active', value } as const
    const message = { ...base, id: String(id), createdAt: String(time), snapshot, event: { type: 'E' } }
    store.apply({ ...message, type: '@xstate.snapshot' })
  }
  const [actor] = store.actors.values()
  expect(actor?.bands.map(({ start, state, seq }) => [start, state, seq > 0])).toEqual([
    [100, 'a', false],
    [200, 'b', true],
    [300, 'c', true],
  ])
  expect(actor?.since).toBe(300)
  // The past comes again when the page has been away.
  store.apply({
    type: '@xstate-mqtt.past',
    createdAt: '500',
    sessionId: 'f1/x:0',
    stays: [...stays, [450, 'a', 'busy']],
  })
  expect(actor?.bands.map(({ state }) => state)).toEqual(['a', 'b', 'c', 'a'])
})
