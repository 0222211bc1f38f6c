import { describe, expect, test } from 'vitest'

import type { Failure } from '../../machines/failure.ts'
import type { Blame } from '../../src/session/outgoing/blame.ts'
import { blameOf } from '../../src/session/outgoing/blame.ts'
import { isAside, isSuspect, Suspects, type Suspect, type Verdict } from '../../src/session/outgoing/suspects.ts'
import { createTestClock } from '../../testing/index.ts'

interface Packet extends Suspect {
  readonly name: string
}

const minutes = (n: number) => n * 60_000

/** Named suspects on a test clock. */
function investigation(after = minutes(2)) {
  const clock = createTestClock()
  let due = 0
  const suspects = new Suspects<Packet>(clock, { after, initialDelay: 5_000, maxDelay: 900_000 }, () => due++)
  suspects.attached('one')
  const packets = new Map<string, Packet>()
  const packet = (name: string): Packet => {
    const known = packets.get(name) ?? { name, suspicion: undefined }
    packets.set(name, known)
    return known
  }
  return {
    clock,
    suspects,
    packet,
    get due() {
      return due
    },
    close: (names: string[], blame: Blame = 'silence', alone = false) =>
      suspects.closed(names.map(packet), blame, alone),
    /** Closes the connection while a suspect is alone: twice, unless it stepped aside before. */
    closeAlone(name: string): Verdict<Packet> | undefined {
      const closeOnce = () => suspects.closed([packet(name)], 'silence', true)
      return closeOnce() ?? closeOnce()
    },
    pass: (name: string) => suspects.passed(packet(name)),
    /** Lets time pass until something is tried again. */
    next(): { name: string; at: number } {
      for (;;) {
        const tried = suspects.takeDue(false)
        if (tried) return { name: tried.name, at: clock.now() }
        if (clock.pending === 0) throw new Error('Nothing is due')
        clock.next()
      }
    },
  }
}

describe('a broker that is killed now and then', () => {
  test('leaves each packet in its place: a lone packet steps aside only after two closes in a row', () => {
    const { suspects, packet, close, pass } = investigation()
    expect(close(['a'], 'silence', true)).toBeUndefined()
    expect(isSuspect(packet('a')), 'it goes alone').toBe(true)
    expect(suspects.doubt).toBe(false)
    pass('a')
    expect(close(['a'], 'silence', true), 'it went through meanwhile').toBeUndefined()
    expect(close(['a'], 'silence', true)).toMatchObject({ kind: 'aside' })
  })

  test('lets a packet step aside after a single objection', () => {
    const { close } = investigation()
    expect(close(['a'], 'objection', true)).toMatchObject({ kind: 'aside' })
  })
})

describe('the meaning of a close', () => {
  const closed: Failure[] = [
    { kind: 'closed' },
    { kind: 'protocol', message: 'x' },
    { kind: 'socket', code: 'ECONNRESET', message: 'x' },
    { kind: 'socket', code: 'EPIPE', message: 'x' },
    { kind: 'websocket', closeCode: 1011, message: 'x' },
    { kind: 'disconnected', reasonCode: 0x80 },
    { kind: 'disconnected', reasonCode: 0x83 },
  ]
  const nothing: (Failure | undefined)[] = [
    undefined,
    { kind: 'keepalive' },
    { kind: 'timeout', phase: 'probe' },
    { kind: 'socket', code: 'ETIMEDOUT', message: 'x' },
    { kind: 'socket', code: 'ECONNABORTED', message: 'dropped on request' },
    { kind: 'websocket', status: 503, message: 'x' },
    { kind: 'disconnected', reasonCode: 0x8b },
    { kind: 'disconnected', reasonCode: 0x8e },
    { kind: 'disconnected', reasonCode: 0x98 },
  ]

  test.each(closed)('%o casts suspicion', (failure) => expect(blameOf(failure)).toBe('silence'))
  test.each(nothing)('%o does not', (failure) => expect(blameOf(failure)).toBe('none'))
  test('a reason code against a packet is an objection', () =>
    expect(blameOf({ kind: 'disconnected', reasonCode: 0x95 })).toBe('objection'))
})

describe('narrowing', () => {
  test.each([
    ['one lone packet', 1, 'silence', 1],
    ['many', 400, 'silence', 2],
    ['many, by an objection', 400, 'objection', 1],
  ] as const)('%s: suspected', (_, count, blame, from) => {
    const s = investigation()
    const names = Array.from({ length: count }, (__, i) => `${i}`)
    for (let n = 1; n <= from; n++) {
      expect(names.some((name) => isSuspect(s.packet(name)))).toBe(false)
      s.close(names, blame)
    }
    expect(names.every((name) => isSuspect(s.packet(name)))).toBe(true)
    expect(s.suspects.window).toBe(Math.ceil(count / 64))
  })

  test('ignores packets that cannot be the cause', () => {
    const s = investigation()
    for (let n = 0; n < 9; n++) expect(s.suspects.closed([s.packet('a')], 'none', true)).toBeUndefined()
    expect(s.packet('a').suspicion).toBeUndefined()
  })

  test('clears packets that are acknowledged', () => {
    const s = investigation()
    s.close(['a', 'b'])
    s.close(['a', 'b'])
    s.pass('a')
    expect([isSuspect(s.packet('a')), isSuspect(s.packet('b'))]).toEqual([false, true])
  })
})

describe('poison', () => {
  test('is proven only by closes over two minutes while other packets succeed in between', () => {
    const s = investigation()
    const delays: number[] = []
    let verdict = s.closeAlone('bad')
    while (verdict?.kind === 'aside') {
      delays.push(verdict.delay)
      expect(isAside(s.packet('bad'))).toBe(true)
      s.pass('good')
      expect(s.next().name).toBe('bad')
      verdict = s.closeAlone('bad')
    }
    expect(verdict).toEqual({ kind: 'poison', packet: s.packet('bad') })
    expect(delays).toEqual([5_000, 10_000, 20_000, 40_000, 80_000])
    expect(s.clock.now()).toBeGreaterThanOrEqual(minutes(2))
    expect(s.suspects.size).toBe(0)
  })

  test('is never proven while no other packet succeeds', () => {
    const s = investigation(0)
    const times: number[] = []
    for (let n = 0; n < 40; n++) {
      const verdict = s.closeAlone('bad')
      expect(verdict).toMatchObject({ kind: 'aside' })
      if (verdict?.kind === 'aside') times.push(verdict.delay)
      s.next()
    }
    expect(Math.max(...times), 'the packet is tried again soon').toBe(120_000)
  })

  test('is never proven on one server by packets that succeed on another', () => {
    const s = investigation(0)
    for (let n = 0; n < 40; n++) {
      s.suspects.attached('one')
      expect(s.closeAlone('bad')).toMatchObject({ kind: 'aside' })
      s.suspects.attached('another')
      s.pass('good')
      s.next()
    }
  })
})

describe('a faulty broker', () => {
  test('makes all packets rest, longer each time, after closing on two in a row, and they restart with the first', () => {
    const s = investigation()
    const rests: number[] = []
    for (let round = 0; round < 8; round++) {
      const begun = s.clock.now()
      if (round > 0) expect(s.next().name).toBe('a')
      if (round > 0) rests.push(s.clock.now() - begun)
      s.closeAlone('a')
      expect(s.suspects.doubt).toBe(true)
      s.closeAlone(`other ${round}`)
      expect(s.suspects.resting).toBe(true)
      expect(s.suspects.takeDue(false)).toBeUndefined()
    }
    expect(rests).toEqual([5_000, 10_000, 20_000, 40_000, 80_000, 120_000, 120_000])
  })

  test('gets packets that never stepped aside second in each round, so that two poisonous ones block nothing', () => {
    const s = investigation()
    s.closeAlone('bad 1')
    s.closeAlone('bad 2')
    expect(s.next().name).toBe('bad 1')
    s.closeAlone('bad 1')
    expect(s.suspects.takeDue(true)).toBeUndefined()
    s.pass('good')
    expect([s.suspects.doubt, s.suspects.resting]).toEqual([false, false])
  })

  test('cannot hide two poisonous packets once others succeed, even if rarely', () => {
    const s = investigation()
    const proven: string[] = []
    const names = ['bad 1', 'bad 2']
    for (const name of names) s.closeAlone(name)
    let trials = 0
    let traffic = 0
    while (proven.length < 2) {
      if (++trials > 40) throw new Error('The trials do not end')
      const { name } = s.next()
      if (s.closeAlone(name)?.kind === 'poison') proven.push(name)
      // At longer intervals than the shortest pause.
      if (s.clock.now() < traffic) continue
      s.pass('good')
      traffic = s.clock.now() + 10_000
    }
    expect(proven.toSorted()).toEqual(names)
    expect(s.clock.now()).toBeGreaterThan(minutes(2))
  })

  test('gets all packets at once after one succeeds', () => {
    const s = investigation()
    s.closeAlone('a')
    s.closeAlone('b')
    expect(s.next().name).toBe('a')
    s.pass('a')
    expect([s.suspects.doubt, s.suspects.resting]).toEqual([false, false])
    expect(s.suspects.takeDue(false)?.name).toBe('b')
    s.pass('b')
    expect([s.suspects.size, s.clock.pending]).toEqual([0, 0])
  })
})

describe('trials', () => {
  test('of many poisonous packets interrupt the others only rarely', () => {
    const s = investigation()
    const names = Array.from({ length: 50 }, (_, i) => `bad ${i}`)
    for (const name of names) {
      s.closeAlone(name)
      s.pass('good')
    }
    let trials = 0
    const end = s.clock.now() + minutes(24 * 60)
    // Like subscriptions, which are never proven to be poison.
    while (s.clock.now() < end) {
      const { name } = s.next()
      trials++
      s.suspects.closed([s.packet(name)], 'silence', true)
      s.suspects.passed(s.packet('good'))
      const suspicion = s.packet(name).suspicion
      if (suspicion) suspicion.evidence = { ...suspicion.evidence, lasted: 0 }
    }
    expect(trials).toBeLessThan(150)
  })

  test('of a new suspect start soon, whatever happened to others', () => {
    const s = investigation()
    for (let n = 0; n < 5; n++) {
      s.closeAlone('bad')
      s.pass('good')
      if (n < 4) s.next()
    }
    const begun = s.clock.now()
    s.closeAlone('new')
    s.pass('good')
    expect(s.next().name).toBe('new')
    expect(s.clock.now() - begun).toBe(5_000)
  })

  test('leave no trace of a packet that is no longer wanted', () => {
    const s = investigation()
    s.closeAlone('a')
    s.suspects.forget(s.packet('a'))
    expect([s.suspects.size, s.clock.pending, s.packet('a').suspicion]).toEqual([0, 0, undefined])
  })

  test('leave no timer after the stop', () => {
    const s = investigation()
    s.closeAlone('a')
    s.closeAlone('b')
    s.suspects.stop()
    expect(s.clock.pending).toBe(0)
  })
})
