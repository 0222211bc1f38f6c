import { describe, expect, test, vi } from 'vitest'

import { Framer } from '../../src/wire/framer.ts'
import { InvalidPacketError } from '../../src/wire/invalid-packet.ts'
import { readAll } from './oracle.ts'

/** The fixed header of a packet with that Remaining Length. */
function fixedHeader(first: number, remainingLength: number): number[] {
  const header = [first]
  let rest = remainingLength
  for (; rest > 127; rest = Math.floor(rest / 128)) header.push((rest % 128) | 0x80)
  return [...header, rest]
}

/** A PUBLISH of MQTT 3.1.1 with QoS 0 to the topic `a`. */
function publish(payloadSize: number): Uint8Array {
  const header = [...fixedHeader(0x30, 3 + payloadSize), 0, 1, 0x61]
  const packet = new Uint8Array(header.length + payloadSize).fill(0x78)
  packet.set(header)
  return packet
}

const PUBACK = [0x40, 2, 0, 7]
const PINGRESP = [0xd0, 0]
const SUBACK = [0x90, 3, 0, 1, 0]
const UNSUBACK = [0xb0, 2, 0, 1]

/** All frames that are there. */
function framesOf(framer: Framer): [kind: string, bytes: number[]][] {
  const frames: [string, number[]][] = []
  for (let kind = framer.next(); kind; kind = framer.next()) {
    const { bytes, start, end } = framer.frame
    frames.push([kind, [...bytes.subarray(start, end)]])
  }
  return frames
}

function failureOf(framer: Framer): InvalidPacketError {
  try {
    for (let kind = framer.next(); kind; kind = framer.next());
  } catch (error) {
    if (error instanceof InvalidPacketError) return error
    throw error
  }
  throw new Error('no failure')
}

describe('packets that are not ours', () => {
  test('come one by one', () => {
    const framer = new Framer()
    framer.push(Uint8Array.of(...UNSUBACK, ...SUBACK, ...PUBACK, ...PINGRESP, ...UNSUBACK))
    expect(framesOf(framer)).toEqual([
      ['control', UNSUBACK],
      ['control', SUBACK],
      ['ack', [0, 7]],
      ['pingresp', []],
      ['control', UNSUBACK],
    ])
  })

  test('are passed on before the rest of them came', () => {
    const framer = new Framer()
    framer.push(Uint8Array.of(0x90, 3, 0))
    expect(framesOf(framer)).toEqual([['control', [0x90, 3, 0]]])
    framer.push(Uint8Array.of(1, 0, ...PUBACK))
    expect(framesOf(framer)).toEqual([
      ['control', [1, 0]],
      ['ack', [0, 7]],
    ])
  })

  test('may have a content that looks like ours', () => {
    const framer = new Framer()
    framer.push(Uint8Array.of(0x90, 4, ...PUBACK))
    expect(framesOf(framer)).toEqual([['control', [0x90, 4, ...PUBACK]]])
  })
})

describe('pausing', () => {
  test('what was not asked for stays, and what is pushed meanwhile comes behind it', () => {
    const framer = new Framer()
    framer.push(Uint8Array.of(...PUBACK, ...PUBACK, 0x50))
    expect(framer.next()).toBe('ack')
    expect(framer.unread).toBe(5)
    framer.push(Uint8Array.of(2, 0))
    framer.push(Uint8Array.of())
    framer.push(Uint8Array.of(9, ...PINGRESP))
    expect(framer.unread).toBe(10)
    expect(framesOf(framer)).toEqual([
      ['ack', [0, 7]],
      ['ack', [0, 9]],
      ['pingresp', []],
    ])
    expect(framer.unread).toBe(0)
    expect(framer.next()).toBeUndefined()
  })
})

describe('the Maximum Packet Size', () => {
  test.each([2, 129, 131, 16_386, 20_000])('a packet of %i bytes passes at that limit, and not below it', (size) => {
    const lengthBytes = [1, 2, 3].find((count) => size - 1 - count < 128 ** count) ?? 4
    const packet = Uint8Array.of(...fixedHeader(0xb0, size - 1 - lengthBytes), ...new Uint8Array(size).fill(0xff))
    const whole = packet.subarray(0, size)
    expect(readAll([whole], 5, size).control.length).toBe(size)
    expect(readAll([whole], 5, size - 1).failure).toMatchObject({ rule: 'packetTooLarge', reasonCode: 0x95 })
  })

  test('is exceeded as soon as the fixed header came', () => {
    for (const first of [0x30, 0x40, 0x90]) {
      const framer = new Framer(100_000)
      framer.push(Uint8Array.of(first, 0xff, 0xff, 0xff))
      while (framer.next());
      framer.push(Uint8Array.of(0x7f))
      expect(failureOf(framer).rule).toBe('packetTooLarge')
    }
  })

  test('what came before a packet that is too large still comes', () => {
    const framer = new Framer(10)
    framer.push(Uint8Array.of(...PUBACK, ...UNSUBACK, 0x90, 11, 0, 0))
    expect(framer.next()).toBe('ack')
    expect(framer.next()).toBe('control')
    expect([framer.frame.start, framer.frame.end]).toEqual([4, 8])
    expect(failureOf(framer).rule).toBe('packetTooLarge')
  })

  test('no frame follows a failure', () => {
    const framer = new Framer(10)
    framer.push(Uint8Array.of(0x30, 100))
    const failure = failureOf(framer)
    framer.push(Uint8Array.of(...PUBACK))
    expect(failureOf(framer)).toBe(failure)
    expect(framer.unread).toBe(0)
  })
})

test.each([0x30, 0x40, 0x90, 0xd0])('a Remaining Length of 5 bytes is none: packet %i', (first) => {
  const bytes = Uint8Array.of(first, 0xff, 0xff, 0xff, 0xff, 0x7f)
  for (const chunks of [[bytes], [...bytes].map((byte) => Uint8Array.of(byte))]) {
    expect(readAll(chunks, 5).failure).toMatchObject({ rule: 'remainingLength', reasonCode: 0x81 })
  }
})

describe('memory', () => {
  test('a small payload keeps at most 8 KiB of a large chunk, and many share them', () => {
    const packet = publish(64)
    const chunk = Buffer.concat(Array.from({ length: 900 }, () => packet))
    const payloads = readAll([chunk], 4).packets.map((each) => ('payload' in each ? each.payload : Buffer.of()))
    expect(payloads).toHaveLength(900)
    const kept = new Set(payloads.map(({ buffer }) => buffer))
    for (const { byteLength } of kept) expect(byteLength).toBeLessThanOrEqual(8_192)
    expect(kept.size).toBe(Math.ceil(chunk.length / (8_192 - packet.length)))
  })

  test('a large payload is a view of its chunk, and so is one of a small chunk', () => {
    const large = Buffer.concat([publish(20_000), publish(20_000)])
    const small = publish(64)
    for (const chunk of [large, small]) {
      const [found] = readAll([chunk], 4).packets
      expect(found && 'payload' in found && found.payload.buffer).toBe(chunk.buffer)
    }
  })

  test('a payload that came in many chunks has memory of its own size', () => {
    const packet = publish(1_000_000)
    const chunks = Array.from({ length: 16 }, (_, i) => packet.subarray(i * 65_536, (i + 1) * 65_536))
    const [found] = readAll(chunks, 4).packets
    expect(found && 'payload' in found && [found.payload.length, found.payload.buffer.byteLength]).toEqual([
      1_000_000, 1_000_003,
    ])
  })

  test.each([
    ['of 20 MB in chunks of 64 KiB', 20_000_000, 65_536],
    ['of 300 KB in chunks of 10 bytes', 300_000, 10],
  ])('the bytes of a packet %s are copied twice at most', (_, size, chunkSize) => {
    const packet = publish(size)
    const set = vi.spyOn(Uint8Array.prototype, 'set')
    const chunks = []
    for (let at = 0; at < packet.length; at += chunkSize) chunks.push(packet.subarray(at, at + chunkSize))
    const read = readAll(chunks, 4)
    const copied = set.mock.calls.reduce((sum, [source]) => sum + source.length, 0)
    set.mockRestore()
    expect(read.packets).toHaveLength(1)
    expect(copied).toBeLessThan(2 * packet.length)
  })

  test('a header that announces 256 MiB takes no more memory than four times what came', () => {
    const allocate = vi.spyOn(Buffer, 'allocUnsafe')
    const framer = new Framer()
    framer.push(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f))
    expect(framer.next()).toBeUndefined()
    for (let i = 0; i < 10; i++) {
      framer.push(new Uint8Array(65_536))
      expect(framer.next()).toBeUndefined()
    }
    const sizes = allocate.mock.calls.map(([size]) => size)
    allocate.mockRestore()
    expect(sizes).toEqual([262_144, 524_288, 1_048_576])
  })

  test('a packet for which no memory is left is a typed failure', () => {
    const framer = new Framer()
    framer.push(Uint8Array.of(0x30, 0xff, 0xff, 0xff, 0x7f, 0))
    // Other code of this process needs memory as well.
    const allocate = vi.spyOn(Buffer, 'allocUnsafe').mockImplementation(() => {
      throw new RangeError('Array buffer allocation failed')
    })
    const failure = failureOf(framer)
    allocate.mockRestore()
    expect(failure).toMatchObject({ rule: 'outOfMemory', reasonCode: 0x95 })
  })

  test('bytes that were read are not kept until the next ones come', () => {
    const framer = new Framer()
    framer.push(publish(20_000))
    while (framer.next());
    expect(framer.frame.bytes.length).toBe(0)
  })
})
