import { expect, test } from 'vitest'

import type { HistoryMessage } from '../../visualizer/protocol.ts'
import { History, type Entry } from '../../visualizer/record/history.ts'
import type { Recorded } from '../../visualizer/record/recorded.ts'

const base = { rootId: 'x:0', createdAt: '1', id: null, _version: '1' }
let reads = 0

function born(sessionId: string, name: string): Recorded {
  return recorded(
    name,
    {
      type: '@xstate.actor',
      ...base,
      sessionId,
      name,
      parentId: undefined,
      definition: undefined,
      snapshot: { status: 'active' },
    },
    false,
  )
}

function changed(sessionId: string, name: string, value: string, status: 'active' | 'stopped' = 'active'): Recorded {
  const message: HistoryMessage = {
    type: '@xstate.snapshot',
    ...base,
    sessionId,
    snapshot: { status, value },
    event: { type: 'E' },
  }
  return recorded(name, message, status !== 'active')
}

function recorded(kind: string, message: HistoryMessage, stopped: boolean): Recorded {
  const read = () => {
    reads += 1
    return message
  }
  return { sessionId: message.sessionId, type: message.type, kind, main: kind === 'main', moves: false, stopped, read }
}

function history(limit: number) {
  const added: Entry[] = []
  const forgotten: string[] = []
  const kept = new History(
    limit,
    (entry) => added.push(entry),
    (ids) => forgotten.push(...ids),
  )
  const values = () => kept.replay().entries.map(({ text }) => JSON.parse(text).snapshot?.value)
  return { kept, added, forgotten, values }
}

test('keeps the last messages, and every actor with its last snapshot', () => {
  const { kept, values } = history(3)
  kept.add('local', born('x:0', 'lamp'))
  for (const value of ['1', '2', '3', '4']) kept.add('local', changed('x:0', 'lamp', value))
  expect(values()).toEqual(['2', '3', '4'])
  expect(kept.forgotten).toBe(2)
  const [actor] = kept.replay().actors.map((text) => JSON.parse(text))
  expect(actor).toMatchObject({
    type: '@xstate.actor',
    sessionId: 'local/x:0',
    rootId: 'local/x:0',
    name: 'lamp',
    snapshot: { value: '4' },
  })
})

test('a chatty actor forgets its own past, not that of the others', () => {
  const { kept, values } = history(100)
  kept.add('local', born('x:0', 'quiet'))
  kept.add('local', changed('x:0', 'quiet', 'once'))
  for (let index = 0; index < 1_000; index += 1) kept.add('local', changed('x:1', 'chatty', 'again'))
  expect(values().filter((value) => value === 'once')).toHaveLength(1)
  expect(values()).toHaveLength(100)
})

test('all transports of a connection share the space of one actor', () => {
  const { kept, forgotten, values } = history(100)
  for (let index = 0; index < 40; index += 1) kept.add('local', changed('x:0', 'connection', 'c'))
  for (let index = 1; index <= 500; index += 1) {
    kept.add('local', born(`x:${index}`, 'transport'))
    kept.add('local', changed(`x:${index}`, 'transport', 't', 'stopped'))
  }
  expect(values().filter((value) => value === 'c')).toHaveLength(40)
  expect(forgotten.length).toBeGreaterThan(400)
  expect(kept.replay().actors.length).toBeLessThan(60)
})

test('serializes only messages that are read, and only once', () => {
  const { kept } = history(10)
  reads = 0
  for (let index = 0; index < 1_000; index += 1) kept.add('local', changed('x:0', 'lamp', 'v'))
  expect(reads).toBe(0)
  kept.replay()
  const { entries } = kept.replay()
  for (const { text } of entries) expect(text).toContain('local/x:0')
  expect(reads).toBe(10)
})

test('reports actors as stopped that stopped while their feed was offline', () => {
  const { kept, added } = history(10)
  kept.add('f1', born('x:0', 'a'))
  kept.add('f1', born('x:1', 'b'))
  kept.add('f2', born('x:1', 'c'))
  kept.retain('f1', new Set(['x:0']))
  expect(added.slice(3).map(({ text }) => JSON.parse(text))).toMatchObject([
    { sessionId: 'f1/x:1', rootId: 'f1/x:0', snapshot: { status: 'stopped' } },
  ])
})

test('the number of actors is bounded', () => {
  const { kept, forgotten } = history(100_000)
  for (let index = 0; index < 2_500; index += 1) kept.add('local', born(`x:${index}`, `actor ${index}`))
  expect(forgotten).toHaveLength(500)
  expect(kept.replay().actors).toHaveLength(2_000)
})

test('a feed that reconnects reports the current state of its actors', () => {
  const { kept } = history(10)
  kept.add('f1', born('x:0', 'lamp'))
  kept.add('f1', changed('x:0', 'lamp', 'before'))
  const replayed = born('x:0', 'lamp')
  const now = { ...replayed.read(), snapshot: { status: 'active', value: 'meanwhile' } } as HistoryMessage
  kept.add('f1', { ...replayed, read: () => now })
  const [actor] = kept.replay().actors.map((text) => JSON.parse(text))
  expect(actor).toMatchObject({ snapshot: { value: 'meanwhile' } })
})

test('a history of 0 keeps nothing', () => {
  const { kept, added, values } = history(0)
  kept.add('local', born('x:0', 'lamp'))
  kept.add('local', changed('x:0', 'lamp', 'on'))
  expect(added).toHaveLength(2)
  expect(values()).toEqual([])
  expect(kept.replay().actors).toHaveLength(1)
})
