import { expect, test } from 'vitest'

import { Readiness } from '../../../measure/chaos/readiness.ts'

type Step = readonly [at: number, what: 'fault ended' | '+a' | '-a' | '+b' | '-b']

test.each<[name: string, steps: readonly Step[], recoveries: number[]]>([
  [
    'the first connection does not count as a recovery',
    [
      [10, '+a'],
      [20, '+b'],
    ],
    [],
  ],
  [
    'a fault without an effect',
    [
      [0, '+a'],
      [0, '+b'],
      [50, 'fault ended'],
    ],
    [],
  ],
  [
    'from the end of the fault',
    [
      [0, '+a'],
      [0, '+b'],
      [10, '-a'],
      [50, 'fault ended'],
      [80, '+a'],
    ],
    [30],
  ],
  [
    'from the loss, if it came later',
    [
      [0, '+a'],
      [0, '+b'],
      [50, 'fault ended'],
      [60, '-a'],
      [80, '+a'],
    ],
    [20],
  ],
  [
    'back while the fault lasts',
    [
      [0, '+a'],
      [0, '+b'],
      [10, '-a'],
      [30, '+a'],
      [50, 'fault ended'],
    ],
    [20],
  ],
  [
    'until all are back',
    [
      [0, '+a'],
      [0, '+b'],
      [10, '-a'],
      [20, '-b'],
      [50, 'fault ended'],
      [60, '+a'],
      [90, '+b'],
    ],
    [40],
  ],
  [
    'one after the other',
    [
      [0, '+a'],
      [0, '+b'],
      [10, '-a'],
      [20, 'fault ended'],
      [25, '+a'],
      [30, '-b'],
      [70, '+b'],
    ],
    [5, 40],
  ],
  [
    'told twice',
    [
      [0, '+a'],
      [0, '+b'],
      [10, '-a'],
      [15, '-a'],
      [20, '+a'],
      [30, '+a'],
    ],
    [10],
  ],
  [
    'never back',
    [
      [0, '+a'],
      [0, '+b'],
      [10, '-a'],
      [50, 'fault ended'],
    ],
    [],
  ],
])('%s', (_name, steps, recoveries) => {
  let now = 0
  const readiness = new Readiness(['a', 'b'], () => now)
  for (const [at, what] of steps) {
    now = at
    if (what === 'fault ended') readiness.faultEnded()
    else readiness.changed(what.slice(1), what.startsWith('+'))
  }
  expect(readiness.recoveries).toEqual(recoveries)
})

test('waits for the given clients, up to a timeout', async () => {
  const readiness = new Readiness(['a', 'b'])
  const [a, all] = [readiness.whenReady(5_000, ['a']), readiness.whenReady(20)]
  readiness.changed('a', true)
  expect(await a).toBe(true)
  expect(await all).toBe(false)
  readiness.changed('b', true)
  expect(await readiness.whenReady(20)).toBe(true)
})
