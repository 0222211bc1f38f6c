import { expect, test } from 'vitest'

import {
  DAMAGED,
  HELD,
  LEAVING,
  PublicationIndex,
  type PublicationState,
  UNSEALED,
  WAITING,
} from '../../src/store/publication-index.ts'
import { fc } from '../support/property.ts'

const STATES = [WAITING, HELD, LEAVING, UNSEALED, DAMAGED] as const

// Sequence numbers on three pages.
const sequence = fc.oneof(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 510, max: 514 }), fc.constant(5_000))
const change = fc.record({
  sequence,
  /** `undefined` deletes it. */
  state: fc.option(fc.constantFrom(...STATES), { nil: undefined }),
  /** Whether only the state changes. */
  stays: fc.boolean(),
  checksum: fc.constantFrom(0, 1, 2 ** 32 - 1),
  bytes: fc.nat(100),
})
type Change = typeof change extends fc.Arbitrary<infer Value> ? Value : never

interface Known {
  readonly state: PublicationState
  readonly checksum: number
  readonly bytes: number
}

function apply(changes: readonly Change[]) {
  const index = new PublicationIndex()
  const model = new Map<number, Known>()
  for (const { sequence: at, state, stays, checksum, bytes } of changes) {
    const known = model.get(at)
    if (state === undefined) {
      index.delete(at)
      model.delete(at)
    } else if (stays) {
      index.setState(at, state)
      if (known) model.set(at, { ...known, state })
    } else {
      index.set(at, state, { checksum, bytes, expiresAt: Number.POSITIVE_INFINITY, latest: undefined })
      model.set(at, { state, checksum, bytes })
    }
  }
  return { index, model: new Map([...model].toSorted(([a], [b]) => a - b)) }
}

test('the totals are those of the publications, whatever changed', () => {
  fc.assert(
    fc.property(fc.array(change), (changes) => {
      const { index, model } = apply(changes)
      expect([...index.sequences()]).toEqual([...model.keys()])
      expect(index.size).toBe(model.size)
      for (const state of STATES) {
        const those = [...model.values()].filter((each) => each.state === state)
        expect(index.totalOf(state)).toMatchObject({
          count: those.length,
          bytes: those.reduce((sum, { bytes }) => sum + bytes, 0),
          checksums: those.reduce((sum, { checksum }) => sum + checksum, 0) % 2 ** 32,
        })
      }
    }),
  )
})

test('a comparison finds what only the store has, and counts what it lacks', () => {
  fc.assert(
    fc.property(fc.array(change), fc.array(change), (intended, found) => {
      const own = apply(intended)
      const store = apply(found)
      const isKnown = ([at, { state, checksum }]: readonly [number, Known]) =>
        state === WAITING && own.model.get(at)?.checksum === checksum
      const known = [...store.model].filter(isKnown)
      expect(own.index.compareWith(store.index)).toEqual({
        unknown: [...store.model].filter((each) => !isKnown(each)).map(([at]) => at),
        missing: own.model.size - known.length,
      })
    }),
  )
})
