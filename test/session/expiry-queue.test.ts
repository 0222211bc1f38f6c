import { describe, expect, onTestFinished, test, vi } from 'vitest'

import { ExpiryQueue } from '../../src/session/outgoing/expiry-queue.ts'
import { Outbox } from '../../src/session/outgoing/outbox.ts'
import type { Publication, PublicationInit } from '../../src/session/outgoing/publication.ts'
import { fc } from '../support/property.ts'
import { publication } from '../support/publication.ts'
import { range } from '../support/range.ts'

function publicationUntil(expiresAt: number, init: Partial<PublicationInit> = {}): Publication {
  return publication('a', { expiresAt, ...init })
}

/** Removes the entries one by one. */
function drain(queue: ExpiryQueue): Publication[] {
  const drained: Publication[] = []
  for (let first = queue.first(); first; first = queue.first()) {
    first.phase = 'settled'
    drained.push(first)
  }
  return drained
}

describe('the expiry queue', () => {
  test('returns the entry that expires first, and entries with the same expiry in order', () => {
    const time = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.constant(Number.POSITIVE_INFINITY))
    fc.assert(
      fc.property(fc.array(fc.tuple(time, fc.boolean())), fc.boolean(), (steps, refills) => {
        const queue = new ExpiryQueue()
        const all = steps.map(([expiresAt]) => publicationUntil(expiresAt))
        for (const each of all) queue.add(each)
        for (const [i, [, leaves]] of steps.entries()) if (leaves) all[i]!.phase = 'sent'
        const waiting = all.filter(({ phase }) => phase === 'waiting')
        if (refills) queue.refill(waiting)
        const expiring = waiting.filter(({ expiresAt }) => expiresAt !== Number.POSITIVE_INFINITY)
        expect(drain(queue)).toEqual(expiring.toSorted((a, b) => a.expiresAt - b.expiresAt))
        expect(queue.size).toBe(0)
      }),
    )
  })

  test('looks at each of 10,000 entries only a few times', () => {
    let looks = 0
    const outbox = new Outbox({ maxMessages: 10_000, maxBytes: 1e6, overflow: 'reject' }, () => {})
    const expired: number[] = []
    for (const i of range(10_000)) {
      const expiresAt = 1 + ((i * 7_919) % 10_000)
      const each = publicationUntil(expiresAt, { reject: () => expired.push(expiresAt) })
      Object.defineProperty(each, 'expiresAt', { get: () => (looks++, expiresAt) })
      outbox.add(each)
    }
    for (let next = outbox.nextExpiry(); next !== Number.POSITIVE_INFINITY; next = outbox.nextExpiry()) {
      outbox.expire(next)
    }
    expect(expired).toEqual(range(10_000).map((i) => i + 1))
    // A heap with 14 levels needs two comparisons of two entries per level. A linear search would look 100 million times.
    expect(looks).toBeLessThan(10_000 * 2 * 4 * 14)
  })

  test('keeps few entries that were removed before they expired', () => {
    const refill = vi.spyOn(ExpiryQueue.prototype, 'refill')
    onTestFinished(() => refill.mockRestore())
    const outbox = new Outbox({ maxMessages: 10, maxBytes: 1e6, overflow: 'reject' }, () => {})
    for (const i of range(1_000)) {
      const each = publicationUntil(1e6 + i)
      outbox.add(each)
      outbox.shift(outbox.peek(0)!)
      each.phase = 'sent'
    }
    // Once per 65 entries: the maximum number of removed ones.
    expect(refill).toHaveBeenCalledTimes(Math.floor(1_000 / 65))
    expect(outbox.nextExpiry()).toBe(Number.POSITIVE_INFINITY)
  })
})
