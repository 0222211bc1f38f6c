import { describe, expect, test } from 'vitest'

import { connectionMachine } from '../../machines/index.ts'
import { chosenActor, namesOf, silentSince } from '../../visualizer/page/src/model/processes.ts'
import { Store } from '../../visualizer/page/src/model/store.ts'
import type { Timer } from '../../visualizer/protocol.ts'
import { definitionOf } from '../../visualizer/record/definition.ts'

const connection = definitionOf(connectionMachine.config)
const base = { id: null, _version: '1' } as const

interface Shown {
  readonly feed?: string
  readonly name?: string
  readonly value?: object | string
  readonly definition?: string | undefined
  readonly timers?: readonly Timer[]
  readonly time?: number
}

function page() {
  const store = new Store()
  let lastId = 0
  const process = (feedId: string, name: string, offlineSince?: number) =>
    store.apply({
      type: '@xstate-mqtt.feed',
      createdAt: '1',
      feedId,
      name,
      pid: 7,
      status: offlineSince === undefined ? 'online' : 'offline',
      ...(offlineSince !== undefined && { offlineSince }),
      dropped: 0,
      droppedTransitions: 0,
    })
  const actor = (sessionId: string, { feed = 'f1', name = 'connection', definition = connection }: Shown = {}) => {
    const ids = { sessionId: `${feed}/${sessionId}`, rootId: `${feed}/${sessionId}`, parentId: undefined }
    const snapshot = { status: 'active', value: 'idle' } as const
    store.apply({ type: '@xstate.actor', createdAt: '1', ...base, ...ids, name, feedId: feed, definition, snapshot })
    return store.actors.get(ids.sessionId)!
  }
  const step = (sessionId: string, { value = 'idle', timers = [], time = 1 }: Shown) => {
    const ids = { sessionId, rootId: sessionId, id: String(++lastId) }
    const snapshot = { status: 'active', value: value as never } as const
    const message = { type: '@xstate.snapshot', createdAt: String(time), ...base, ...ids } as const
    store.apply({ ...message, snapshot, timers, event: { type: 'E' } })
  }
  return { store, process, actor, step }
}

describe('a process that is gone', () => {
  test('is marked as gone, with the time', () => {
    const { store, process, actor } = page()
    process('f1', 'one')
    const one = actor('x:0')
    expect(silentSince(store, one)).toBeNull()
    process('f1', 'one', 5_000)
    expect(silentSince(store, one)).toBe(5_000)
    process('f1', 'one')
    expect(silentSince(store, one)).toBeNull()
  })

  test('is not selected at first if another process reports', () => {
    const { store, process, actor } = page()
    process('f1', 'dead', 5_000)
    process('f2', 'alive')
    const dead = actor('x:0')
    expect(chosenActor(store, null, null)).toBe(dead)
    const alive = actor('x:0', { feed: 'f2' })
    expect(chosenActor(store, null, null)).toBe(alive)
    expect(chosenActor(store, dead.sessionId, null), 'a selected process stays selected').toBe(dead)
  })

  test('stays selected until its own successor appears', () => {
    const { store, process, actor } = page()
    process('f1', 'one')
    process('f2', 'two')
    const one = actor('x:0')
    actor('x:0', { feed: 'f2' })
    process('f1', 'one', 5_000)
    expect(chosenActor(store, null, one.sessionId)).toBe(one)
    process('f3', 'one')
    const again = actor('x:0', { feed: 'f3' })
    expect(chosenActor(store, null, one.sessionId)?.feedId).not.toBe('f1')
    expect(again.connection).toBe(true)
  })
})

describe('names', () => {
  test('are empty for a single actor', () => {
    const { store, process, actor } = page()
    process('local', 'this process')
    process('f1', 'one')
    expect(namesOf(store).whose(actor('x:0'))).toBe('')
  })

  test('include the process if there are several, and its pid if the names are equal', () => {
    const { store, process, actor } = page()
    process('f1', 'one')
    process('f2', 'two')
    const [one, two] = [actor('x:0'), actor('x:0', { feed: 'f2' })]
    expect([namesOf(store).whose(one), namesOf(store).process(two)]).toEqual(['one · connection', 'two'])
    process('f2', 'one')
    expect(namesOf(store).process(two)).toBe('one 7')
  })

  test('include a number if there are several actors in one process', () => {
    const { store, process, actor } = page()
    process('f1', 'one')
    const [one, two] = [actor('x:0'), actor('x:4')]
    expect([namesOf(store).whose(one), namesOf(store).whose(two)]).toEqual(['connection 1', 'connection 2'])
  })
})

test('a delay that never ends is not shown', () => {
  const { actor, step } = page()
  const one = actor('x:0')
  const timer = { event: 'xstate.after.renewalDue.connection.connected', startedAt: 1 }
  const soon = { ...timer, delay: 2 ** 31 - 2 }
  step('f1/x:0', { value: { connected: 'ready' }, timers: [{ ...timer, delay: 2 ** 31 - 1 }, soon] })
  expect([one.timers, one.entries[0]?.timers]).toEqual([[soon], [soon]])
})

test.each<[string, string | undefined, since: number]>([
  ['the time in a state begins with its top state for a connection', connection, 10],
  ['the time in a state begins with the last change for other machines', '{"id":"m","states":{"a":{}}}', 30],
])('%s', (_, definition, since) => {
  const { store, actor, step } = page()
  store.apply({ type: '@xstate-mqtt.live', createdAt: '1', replayed: 0, forgotten: 0 })
  const one = actor('x:0', { definition })
  step('f1/x:0', { value: { connected: 'restoring' }, time: 10 })
  step('f1/x:0', { value: { connected: 'ready' }, time: 30 })
  expect(one.since).toBe(since)
})

test('a change in one region of a parallel machine is a change of state', () => {
  const { actor, step } = page()
  const one = actor('x:0', { definition: '{"id":"m","states":{"a":{}}}' })
  step('f1/x:0', { value: { p: 'a', q: 'a' }, time: 10 })
  step('f1/x:0', { value: { p: 'a', q: 'b' }, time: 30 })
  expect(one.since).toBe(30)
})
