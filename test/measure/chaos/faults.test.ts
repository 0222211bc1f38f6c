import { expect, test } from 'vitest'

import type { ChaosBroker } from '../../../measure/chaos/broker.ts'
import { faults, type FaultTargets } from '../../../measure/chaos/faults.ts'
import { choose } from '../../../measure/chaos/schedule.ts'
import { Proxy } from '../../../measure/lab/proxy.ts'
import { seeded } from '../../../measure/lab/seeded.ts'

/** Targets with unused links, and a broker that only records the faults. */
async function arena(
  rest: Partial<FaultTargets> = {},
): Promise<FaultTargets & AsyncDisposable & { readonly done: string[] }> {
  const proxy = await Proxy.start({ target: 1 })
  const done: string[] = []
  const note = (what: string) => () => void done.push(what)
  const broker = { kill: note('killed'), up: note('up'), forgetSessions: note('forgotten') } as unknown as ChaosBroker
  return {
    broker,
    proxies: [proxy],
    publisherProxies: [proxy],
    random: () => 0,
    keepalive: 10,
    arrived: () => Promise.resolve(true),
    subscribersReady: () => Promise.resolve(),
    forgotten: () => {},
    back: () => {},
    killProcess: undefined,
    done,
    [Symbol.asyncDispose]: () => proxy[Symbol.asyncDispose](),
    ...rest,
  }
}

test.each<[name: string, rest: Partial<FaultTargets>, fell: boolean]>([
  ['processKilled', {}, false],
  ['processKilled', { killProcess: () => Promise.resolve() }, true],
  ['sessionsDeleted', {}, true],
  ['sessionsDeleted', { arrived: () => Promise.resolve(false) }, false],
  ['connectionReset', {}, false],
  ['cutMidPacket', {}, false],
])('%s, given %o, fell: %s', async (name, rest, fell) => {
  await using given = await arena(rest)
  expect(await faults[name]?.(given)).toBe(fell)
})

test('deletes no sessions before everything has arrived', async () => {
  await using given = await arena({ arrived: () => Promise.resolve(false) })
  await faults['sessionsDeleted']?.(given)
  expect(given.done).toEqual([])
})

test('the same seed chooses the same faults', () => {
  const kinds = Object.keys(faults)
  const chosen = (seed: number) => {
    const random = seeded(seed)
    return Array.from({ length: 200 }, () => choose(kinds, random))
  }
  expect(chosen(1)).toEqual(chosen(1))
  expect(chosen(1)).not.toEqual(chosen(2))
  expect(new Set(chosen(1).flat())).toEqual(new Set(kinds))
})

test('never combines faults that stop the broker', () => {
  const random = seeded(1)
  const pairs = Array.from({ length: 2_000 }, () => choose(Object.keys(faults), random)).filter(
    ({ length }) => length > 1,
  )
  expect(pairs.length).toBeGreaterThan(0)
  expect(pairs.flat().filter((name) => /^(broker|sessions|password)/.test(name))).toEqual([])
})
