import { expect, test } from 'vitest'

import { type Idle, type IdleConnection, measureIdle } from '../../../cli/doctor/idle.ts'
import { Interrupted } from '../../../cli/doctor/lab.ts'
import type { Failure } from '../../../machines/failure.ts'
import { createTestClock, type TestClock } from '../../../testing/index.ts'

const MINUTES = 60_000
const closed: Failure = { kind: 'closed' }

/** What lies on the way. Times are in milliseconds. */
interface Between {
  /** Closes what is silent for so long. */
  readonly closesAfter?: number
  /** Forgets what is silent for so long, without a word. */
  readonly forgetsAfter?: number
  /** Ends all connections at this time. */
  readonly restartsAt?: number
  /** Accepts so many connections. */
  readonly accepts?: number
}

function way(clock: TestClock, { closesAfter, forgetsAfter, restartsAt, accepts = Number.POSITIVE_INFINITY }: Between) {
  let opened = 0
  let open = 0
  const restart = new Promise<void>((resolve) => {
    if (restartsAt !== undefined) clock.setTimeout(resolve, restartsAt)
  })
  return {
    openConnections: () => open,
    opened: () => opened,
    open: async (): Promise<IdleConnection | Failure> => {
      if (++opened > accepts) return closed
      open++
      let last = clock.now()
      let timer: unknown
      let end: (failure: Failure) => void = () => {}
      const ended = new Promise<Failure>((resolve) => (end = resolve))
      void restart.then(() => end(closed))
      const heard = () => {
        last = clock.now()
        clock.clearTimeout(timer)
        if (closesAfter !== undefined) timer = clock.setTimeout(() => end(closed), closesAfter)
      }
      heard()
      return {
        ended,
        ping: async () => {
          if (forgetsAfter !== undefined && clock.now() - last >= forgetsAfter) return false
          heard()
          return true
        },
        close: () => {
          clock.clearTimeout(timer)
          open--
        },
      }
    },
  }
}

async function measure(between: Between, limit = 5 * MINUTES) {
  const clock = createTestClock()
  const { open, openConnections, opened } = way(clock, between)
  const aborted = new AbortController()
  const measured = measureIdle({ clock, signal: aborted.signal, waiting: () => () => {} }, open, limit)
  let result: Idle | undefined
  void measured.then((idle) => (result = idle))
  while (!result && clock.now() < 10 * MINUTES) await clock.tickAsync(1_000)
  return { idle: result, time: clock.now(), open: openConnections(), opened: opened(), pending: clock.pending }
}

test.each([
  ['nothing', {}, { survived: 300_000, limit: 300_000 }],
  ['a proxy that closes after 60 s', { closesAfter: 60_000 }, { ended: { after: 60_000, how: 'closed' } }],
  ['a proxy that closes after 4 s', { closesAfter: 4_000 }, { survived: 0, ended: { after: 4_000, how: 'closed' } }],
  ['a NAT that forgets after 40 s', { forgetsAfter: 40_000 }, { ended: { how: 'dead' } }],
  [
    'a NAT that forgets after 200 s',
    { forgetsAfter: 200_000 },
    { survived: 180_000, ended: { after: 240_000, how: 'dead' } },
  ],
  ['a restart after 100 s', { restartsAt: 100_000 }, { ended: { after: 100_000 }, isUnclear: true }],
  ['a broker that accepts nothing more', { accepts: 0 }, { survived: 0, failure: closed }],
  ['a broker that accepts one more', { accepts: 1 }, { survived: 0, failure: closed }],
] satisfies [string, Between, object][])('%s', async (_, between, expected) => {
  const { idle, time, open } = await measure(between)
  expect(idle).toMatchObject(expected)
  expect(time).toBeLessThanOrEqual(5 * MINUTES + 1_000)
  expect(open).toBe(0)
})

test('the bisection narrows a silent end down', async () => {
  const { idle, opened } = await measure({ forgetsAfter: 40_000 })
  const { survived, ended } = idle ?? { survived: 0 }
  expect(survived).toBeLessThan(40_000)
  expect(survived).toBeGreaterThan(36_000)
  expect(ended?.after).toBeGreaterThanOrEqual(40_000)
  expect(ended?.after).toBeLessThan(43_000)
  expect(opened).toBeLessThan(20)
})

test('a shorter limit is kept to', async () => {
  expect((await measure({}, 30_000)).idle).toEqual({ survived: 30_000, limit: 30_000 })
})

test('Ctrl-C ends it at once, and closes its connections', async () => {
  const clock = createTestClock()
  const { open, openConnections } = way(clock, {})
  const controller = new AbortController()
  const measured = measureIdle({ clock, signal: controller.signal, waiting: () => () => {} }, open)
  const outcome = measured.catch((error: unknown) => error)
  await clock.tickAsync(20_000)
  expect(openConnections()).toBeGreaterThan(5)
  controller.abort()
  expect(await outcome).toBeInstanceOf(Interrupted)
  expect(openConnections()).toBe(0)
  expect(clock.pending).toBe(0)
})
