import { describe, expect, test } from 'vitest'

import { PacketIdMap } from '../../src/session/outgoing/packet-id-map.ts'
import { Sequence } from '../../src/session/sequence.ts'
import { fc } from '../support/property.ts'
import { range } from '../support/range.ts'

describe('a map from packet ids', () => {
  test('holds what a Map would hold', () => {
    const packetId = fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: 1, max: 65_535 }))
    const step = fc.record({ id: packetId, action: fc.constantFrom('set', 'set', 'delete', 'clear') })
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const map = new PacketIdMap<number>()
        const model = new Map<number, number>()
        for (const [value, { id, action }] of steps.entries()) {
          if (action === 'set') {
            map.set(id, value)
            model.set(id, value)
          } else if (action === 'delete') {
            expect(map.delete(id)).toBe(model.delete(id))
          } else if (value % 10 === 0) {
            map.clear()
            model.clear()
          }
          expect(map.size).toBe(model.size)
          for (const each of [id, id ^ 8, 0]) {
            expect([map.has(each), map.get(each)]).toEqual([model.has(each), model.get(each)])
          }
        }
        for (const [each, value] of model) expect(map.get(each)).toBe(value)
      }),
    )
  })

  test('takes all 65,535 ids', () => {
    const map = new PacketIdMap<number>()
    for (const id of range(65_535)) map.set(id + 1, id)
    expect(map.size).toBe(65_535)
    expect(range(65_535).every((id) => map.get(id + 1) === id)).toBe(true)
  })
})

describe('a sequence', () => {
  test('keeps its items in order, from wherever they leave', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(300)), { maxLength: 400 }), (steps) => {
        const sequence = new Sequence<{ sequence: number }>()
        const model = new Set<{ sequence: number }>()
        for (const leaves of steps) {
          const item = leaves === null ? undefined : [...model][leaves]
          if (item) {
            sequence.delete(item)
            model.delete(item)
          } else {
            const added = { sequence: 0 }
            sequence.add(added)
            model.add(added)
          }
          expect(sequence.size).toBe(model.size)
        }
        expect([...sequence.values()]).toEqual([...model])
      }),
    )
  })

  test('can be changed while it is iterated over: skips what leaves, reaches what comes', () => {
    const sequence = new Sequence<{ n: number; sequence: number }>()
    const items = range(1_000).map((n) => ({ n, sequence: 0 }))
    for (const item of items.slice(0, 500)) sequence.add(item)
    const seen: number[] = []
    for (const item of sequence.values()) {
      seen.push(item.n)
      sequence.delete(item)
      const other = items[item.n + 1]
      if (other && item.n % 10 === 0) sequence.delete(other)
      const added = items[item.n + 500]
      if (added) sequence.add(added)
    }
    const left = items.filter(({ n }) => n % 10 !== 1 && !(n >= 500 && (n - 500) % 10 === 1))
    expect(seen).toEqual(left.map(({ n }) => n))
    expect(sequence.size).toBe(0)
  })

  test('ignores an item that is not in it', () => {
    const sequence = new Sequence<{ sequence: number }>()
    const [first, second] = [{ sequence: 0 }, { sequence: 0 }]
    sequence.add(first)
    sequence.delete(second)
    sequence.delete(first)
    sequence.delete(first)
    expect([...sequence.values()]).toEqual([])
    expect(sequence.size).toBe(0)
  })
})
