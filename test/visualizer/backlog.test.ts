import { expect, test } from 'vitest'

import { Backlog, type Waiting } from '../../visualizer/record/backlog.ts'

interface Message extends Waiting {
  readonly id: number
}

let lastId = 0
const main = (key: string) => ({ id: ++lastId, key, kind: key, main: true })
const event = (key: string): Message => ({ ...main(key), type: '@xstate.event', moves: false })
const note = (key: string): Message => ({ ...main(key), type: '@xstate.snapshot', moves: false, stopped: false })
const move = (key: string): Message => ({ ...main(key), type: '@xstate.snapshot', moves: true, stopped: false })
const born = (key: string, kind: string): Message => ({
  id: ++lastId,
  key,
  kind,
  main: false,
  type: '@xstate.actor',
  moves: true,
  stopped: false,
})
const ended = (key: string, kind: string): Message => ({ ...born(key, kind), type: '@xstate.snapshot', stopped: true })

function backlog(limit: number, messages: readonly Message[]) {
  const waiting = new Backlog<Message>(limit, (message) => message)
  for (const message of messages) waiting.push(message)
  const all = waiting.takeWhile(() => true)
  return { waiting, all, of: (moves: boolean) => all.filter((message) => message.moves === moves) }
}

const many = <Item>(count: number, make: (index: number) => Item) =>
  Array.from({ length: count }, (_, index) => make(index))

test('keeps every change of state and drops events, the oldest first', () => {
  const messages = many(1_000, (index) => (index % 10 === 0 ? move(`c${index % 50}`) : event(`c${index % 50}`)))
  const { waiting, all, of } = backlog(50, messages)
  expect(of(true)).toHaveLength(100)
  expect(waiting.droppedTransitions).toBe(0)
  expect(waiting.dropped).toBe(1_000 - all.length)
  expect(all.length).toBeLessThan(350)
  expect(all.at(-1), 'the newest stays').toBe(messages.at(-1))
  expect(all.map(({ id }) => id)).toEqual(all.map(({ id }) => id).toSorted((a, b) => a - b))
})

test('keeps the last snapshot of each actor, which has its context', () => {
  const { all } = backlog(10, [note('a'), note('b'), ...many(200, () => event('c'))])
  expect(all.map(({ key }) => key)).toEqual(expect.arrayContaining(['a', 'b']))
})

test('forgets actors that began and ended meanwhile, but no end of one that was reported before', () => {
  const brief = many(100, (index) => [
    born(`t${index}`, `transport ${index % 20}`),
    ended(`t${index}`, `transport ${index % 20}`),
  ]).flat()
  const { waiting, all } = backlog(10, [ended('before', 'other'), ...brief, ...many(9, () => move('c'))])
  expect(waiting.droppedTransitions).toBe(0)
  expect(all.map(({ key }) => key)).toContain('before')
  expect(all.length).toBeLessThan(60)
})

test('is bounded: an actor that changes all the time loses its own oldest changes', () => {
  const { waiting, all } = backlog(10, [move('quiet'), ...many(10_000, () => move('flapping'))])
  expect(all.length).toBeLessThan(40)
  expect(all[0]?.key).toBe('quiet')
  expect(waiting.droppedTransitions).toBe(waiting.dropped)
  expect(waiting.dropped).toBe(10_001 - all.length)
})

test('is bounded for many actors, each of which keeps the same share', () => {
  const { all } = backlog(
    10,
    many(20_000, (index) => move(`c${index % 100}`)),
  )
  expect(all.length).toBeLessThan(10 * 25 * 2)
  const counts = new Set(many(100, (index) => all.filter(({ key }) => key === `c${index}`).length))
  expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(3)
})

test('gives the oldest first, and only as many as are wanted', () => {
  const waiting = new Backlog<Message>(10, (message) => message)
  const messages = many(5, () => move('a'))
  for (const message of messages) waiting.push(message)
  expect(waiting.takeWhile((_, taken) => taken < 2)).toEqual(messages.slice(0, 2))
  waiting.remove(({ id }) => id === messages[3]?.id)
  expect(waiting.takeWhile(() => true)).toEqual([messages[2], messages[4]])
  expect([waiting.length, waiting.dropped]).toEqual([0, 0])
})
