import { ClassicLevel } from 'classic-level'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, test } from 'vitest'

import { crc32c } from '../../src/store/crc32c.ts'
import { readLog } from '../../src/store/level-log.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** The size of a record's header: checksum, length, type. */
const HEADER = 7
const BLOCK = 32_768

test.each([
  ['', 0],
  ['123456789', 0xe3069283],
  ['\0'.repeat(32), 0x8a9136aa],
])('the CRC-32C of %j', (text, expected) => {
  expect(crc32c(Buffer.from(text))).toBe(expected)
})

describe('a log of LevelDB', () => {
  let short: Buffer
  /** A log of several blocks, with records across their borders. */
  let long: Buffer

  beforeEach(async () => {
    short = await logOf(Array.from({ length: 20 }, (_, n) => `message ${n}`))
    long = await logOf(Array.from({ length: 20 }, (_, n) => String(n % 10).repeat(n * 1_000)))
  })

  it('is sound after it was written', () => {
    expect(long.length).toBeGreaterThan(4 * BLOCK)
    for (const log of [short, long, Buffer.alloc(0)]) expect(isDamaged(log)).toBe(false)
  })

  it('is sound wherever it is cut off', () => {
    const cut = [cutsOf(short, 1), cutsOf(long, 509)].flat()
    expect(cut.filter((log) => isDamaged(log))).toEqual([])
  })

  it('is sound with zeros at its end, even within its last record', () => {
    for (const end of [short.length, long.length - (long.length % 512), long.length - (long.length % 512) - 4_096]) {
      const log = end > short.length ? long : short
      expect(isDamaged(Buffer.concat([log.subarray(0, end), Buffer.alloc(10_000)]))).toBe(false)
    }
  })

  it('is damaged by any changed bit', () => {
    const bits = Array.from({ length: short.length * 8 }, (_, bit) => bit)
    expect(bits.filter((bit) => !isDamaged(changed(short, Math.floor(bit / 8), 1 << (bit % 8))))).toEqual([])
  })

  test.each([
    ['its first block is missing', () => long.subarray(BLOCK)],
    ['a block is zeros', () => Buffer.concat([long.subarray(0, BLOCK), Buffer.alloc(BLOCK), long.subarray(2 * BLOCK)])],
    ['its first record is zeros', () => Buffer.concat([Buffer.alloc(40), short.subarray(40)])],
    ['it contains an incomplete record in its middle', () => Buffer.concat([short.subarray(0, 60), short])],
    ['a byte of its last record has changed', () => changed(short, short.length - 3)],
    ['the length of its last record has changed', () => changed(long, lastRecord(long) + 5)],
  ])('is damaged if %s', (_name, log) => {
    expect(isDamaged(log())).toBe(true)
  })
})

/** The bytes that LevelDB writes to its log for values. */
async function logOf(values: readonly string[]): Promise<Buffer> {
  const path = join(temporaryFolder(), 'database')
  const database = new ClassicLevel(path)
  for (const [n, value] of values.entries()) await database.put(`key ${n}`, value)
  await database.close()
  return readFileSync(join(path, readdirSync(path).find((file) => file.endsWith('.log')) ?? ''))
}

/** The beginnings of a log, at every `step` bytes. */
function cutsOf(log: Buffer, step: number): Buffer[] {
  return Array.from({ length: Math.ceil(log.length / step) }, (_, n) => log.subarray(0, n * step))
}

function changed(log: Buffer, at: number, bits = 0x10): Buffer {
  const other = Buffer.from(log)
  other[at]! ^= bits
  return other
}

/** The offset at which it begins. */
function lastRecord(log: Buffer): number {
  let last = 0
  for (let at = 0; at < log.length;) {
    last = at
    at += HEADER + log.readUInt16LE(at + 4)
    if (BLOCK - (at % BLOCK) < HEADER) at += BLOCK - (at % BLOCK)
  }
  return last
}

function isDamaged(log: Uint8Array): boolean {
  return readLog(log).damaged
}

test('crc32c has the check value of RFC 3720, in any number of parts', () => {
  const bytes = new TextEncoder().encode('123456789')
  for (let at = 0; at <= bytes.byteLength; at++) {
    expect(crc32c(bytes.subarray(at), crc32c(bytes, 0, at))).toBe(0xe3069283)
  }
})
