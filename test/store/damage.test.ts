import { ClassicLevel } from 'classic-level'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, describe, expect, it, test } from 'vitest'

import { StoreError } from '../../src/index.ts'
import { readTable } from '../../src/store/level-table.ts'
import { MARKER } from '../../src/store/marker.ts'
import { salvageStore } from '../../src/store/salvage.ts'
import { resultOf } from '../../src/store/slices.ts'
import { rejection } from '../support/promises.ts'
import { durablePublication } from '../support/publication.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { contentsOf, createJournal, journalOn, SpiedDatabase } from './journal-on.ts'

/** Enough for several tables. */
const MANY = 6_000
/** The size of a message in bytes. */
const SIZE = 1_000

/** Stores that each test copies. */
let folder: string
const pathOf = (name: 'closed' | 'killed' | 'small') => join(folder, name)

beforeAll(async () => {
  folder = join(process.cwd(), '.cache', `damage-${process.pid}`)
  mkdirSync(folder, { recursive: true })
  await write(pathOf('closed'), MANY)
  // In a table: the next process moves the contents of the log there.
  await write(pathOf('small'), 40)
  await write(pathOf('small'), 0)
  return () => rmSync(folder, { recursive: true, force: true })
}, 60_000)

describe('a store that was closed', () => {
  test.each<[string, (path: string) => void]>([
    ['whose MANIFEST is short by 20 bytes', (path) => cut(path, 'MANIFEST', 20)],
    ['whose MANIFEST is empty', (path) => truncateSync(fileOf(path, 'MANIFEST'), 0)],
    ['whose log is empty', (path) => truncateSync(fileOf(path, '.log'), 0)],
    ['whose log is gone', (path) => rmSync(fileOf(path, '.log'))],
    ['whose log is zeros', (path) => zero(fileOf(path, '.log'))],
    ['whose log is short by 5 bytes', (path) => cut(path, '.log', 5)],
    ['with a table that is cut short', (path) => cut(path, '.ldb', 20)],
    ['with a table that is empty', (path) => truncateSync(fileOf(path, '.ldb'), 0)],
    ['with a table that is zeros', (path) => zero(fileOf(path, '.ldb'))],
    ['without a table', (path) => rmSync(fileOf(path, '.ldb'))],
    ['whose CURRENT is cut short', (path) => cut(path, 'CURRENT', 3)],
    ['without its database', (path) => emptied(path)],
  ])('%s is reported as damaged with its sound records, and not changed', async (_name, damage) => {
    const path = copyOf('closed')
    damage(path)
    const before = namesAndSizes(path)
    const error = await rejection(journalOn(path).journal.open())
    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ problem: 'corrupt', location: path })
    const { intactPublishes = -1 } = error as StoreError
    expect(intactPublishes).toBeGreaterThanOrEqual(0)
    expect(intactPublishes).toBeLessThan(MANY + 1)
    expect(error.message.includes('store salvage')).toBe(intactPublishes > 0)
    expect(namesAndSizes(path)).toEqual(before)
  })

  it('is opened as it was', async () => {
    const { journal, restored } = journalOn(copyOf('closed'))
    await journal.open()
    expect(restored[0]?.waiting.map(({ topic }) => topic)).toEqual(topics(MANY))
  })

  it('that a kill left is sound, wherever its log ends after the accepted publishes', async () => {
    const source = join(temporaryFolder(), 'source')
    const { journal } = journalOn(source)
    for (let n = 0; n < 5; n++) await journal.accepted(durablePublication(`t/${n}`))
    await journal.flush()
    const path = copied(source)
    const accepted = readFileSync(fileOf(path, '.log')).length
    await journal.accepted(durablePublication('t/5', { payload: 'not acknowledged' }))
    const log = readFileSync(fileOf(source, '.log'))
    expect(log.length).toBeGreaterThan(accepted)
    for (let end = accepted; end < log.length; end += 2) {
      const image = copied(path)
      writeFileSync(fileOf(image, '.log'), log.subarray(0, end))
      const { journal: next, restored } = journalOn(image)
      await next.open()
      expect(restored[0]?.waiting.map(({ topic }) => topic)).toEqual(['t/0', 't/1', 't/2', 't/3', 't/4'])
      await next.close()
    }
  })

  it('that a kill left is damaged if its log is empty', async () => {
    const source = join(temporaryFolder(), 'source')
    const { journal } = journalOn(source)
    for (let n = 0; n < 5; n++) await journal.accepted(durablePublication(`t/${n}`))
    const path = copied(source)
    truncateSync(fileOf(path, '.log'), 0)
    expect(await rejection(journalOn(path).journal.open())).toMatchObject({ problem: 'corrupt', intactPublishes: 0 })
  })
})

describe('a byte of a table', () => {
  it('that changed is detected at any position', () => {
    const table = readFileSync(fileOf(pathOf('small'), '.ldb'))
    expect(resultOf(readTable(table, () => {}))).toBe(true)
    const missed: number[] = []
    for (let at = 0; at < table.length; at++) {
      table[at]! ^= 0x55
      if (resultOf(readTable(table, () => {}))) missed.push(at)
      table[at]! ^= 0x55
    }
    expect(missed).toEqual([])
  })

  it('that changed prevents the store from opening', async () => {
    const { length } = readFileSync(fileOf(pathOf('small'), '.ldb'))
    for (let at = 0; at < length; at += Math.ceil(length / 40)) {
      const path = copyOf('small')
      flip(fileOf(path, '.ldb'), at)
      expect(await rejection(journalOn(path).journal.open())).toMatchObject({ problem: 'corrupt' })
    }
  })

  it('that changed is detected in compressed and uncompressed tables', async () => {
    for (const compression of [true, false]) {
      const path = join(temporaryFolder(), 'database')
      const database = new ClassicLevel(path, { compression })
      const entries = Array.from({ length: 2_000 }, (_, n) => [`key/${n}`, `value/${n}`.repeat(1 + (n % 9))] as const)
      for (const [key, value] of entries) await database.put(key, value)
      await database.compactRange('a', 'z')
      await database.close()
      const found = new Map<string, string>()
      const reading = readTable(readFileSync(fileOf(path, '.ldb')), (key, _sequence, value) =>
        found.set(Buffer.from(key).toString(), Buffer.from(value ?? []).toString()),
      )
      expect(resultOf(reading)).toBe(true)
      expect(found).toEqual(new Map(entries))
    }
  })
})

describe('a database of the application', () => {
  test.each([
    ['with another byte', (values: Map<string, Uint8Array>) => changeOne(values, 'payload 7')],
    ['without one of its records', (values: Map<string, Uint8Array>) => deleteOne(values)],
  ])('%s is reported as damaged with its sound records', async (_name, damage) => {
    const database = new SpiedDatabase()
    const { journal } = journalOn(database)
    for (let n = 0; n < 10; n++) await journal.accepted(durablePublication(`t/${n}`, { payload: `payload ${n}` }))
    await journal.close()
    await database.tamper(damage)
    expect(await rejection(journalOn(database.reopened()).journal.open())).toMatchObject({
      problem: 'corrupt',
      intactPublishes: 9,
    })
  })
})

describe('salvage', () => {
  test.each<[string, (path: string) => void, { most?: number; missing: 'none' | 'some' | 'not known' }]>([
    ['of a sound store', () => {}, { missing: 'none' }],
    ['after a flipped byte in a table', (path) => flip(fileOf(path, '.ldb'), 5_000), { missing: 'some' }],
    ['after a table was cut short', (path) => cut(path, '.ldb', 20), { missing: 'some' }],
    ['after the MANIFEST was cut short', (path) => cut(path, 'MANIFEST', 20), { missing: 'none' }],
    ['after the MANIFEST was lost', (path) => rmSync(fileOf(path, 'MANIFEST')), { missing: 'none' }],
    ['after the log was emptied', (path) => truncateSync(fileOf(path, '.log'), 0), { missing: 'not known' }],
  ])('%s recovers the sound records without changing the store', async (_name, damage, { missing }) => {
    const path = copyOf('closed')
    damage(path)
    const before = namesAndSizes(path)
    const to = `${path}-salvaged`
    const result = await salvageStore(path, to, () => 'new')
    expect(namesAndSizes(path)).toEqual(before)
    const { journal, restored } = journalOn(to)
    await journal.open()
    const { waiting = [] } = restored[0] ?? {}
    expect(result).toMatchObject({ publications: waiting.length, inFlight: 0, quarantined: 0 })
    expect(journal.clientId).toBe(result.clientIdKept ? 'generated' : 'new')
    const got = waiting.map(({ topic }) => topic)
    const all = new Set(topics(MANY))
    expect(got.filter((topic) => !all.has(topic))).toEqual([])
    expect(waiting.filter(({ topic, payload }) => !Buffer.alloc(SIZE, topic).equals(Buffer.from(payload)))).toEqual([])
    if (missing === 'none') expect([result.missing, got.length]).toEqual([0, MANY])
    else if (missing === 'some') expect([result.missing, got.length < MANY]).toEqual([MANY - got.length, true])
    else expect(result.missing).toBeUndefined()
    expect(got.length).toBeGreaterThan(MANY / 4)
  })

  it('keeps publishes in flight and quarantined ones', async () => {
    const path = join(temporaryFolder(), 'store')
    const { journal } = createJournal(path)
    const [sent, aside] = [durablePublication('sent', { qos: 2 }), durablePublication('aside')]
    await Promise.all([
      journal.accepted(sent),
      journal.accepted(aside),
      journal.accepted(durablePublication('waiting')),
    ])
    sent.packetId = 40_000
    journal.quarantined(aside)
    await journal.sent([sent])
    await journal.close()
    const result = await salvageStore(path, `${path}-2`, () => 'new')
    expect(result).toEqual({
      publications: 3,
      inFlight: 1,
      quarantined: 1,
      damaged: 0,
      missing: 0,
      clientIdKept: true,
    })
    const { journal: next, restored } = journalOn(`${path}-2`)
    await next.open()
    expect(restored[0]).toMatchObject({
      waiting: [{ topic: 'waiting', storeId: 3 }],
      inFlight: [{ topic: 'sent', packetId: 40_000, storeId: 1 }],
      quarantined: [{ topic: 'aside', storeId: 2 }],
    })
  })

  test.each<[string, (marker: string) => void]>([
    ['is gone', (marker) => rmSync(marker)],
    ['is empty', (marker) => truncateSync(marker, 0)],
    ['holds something else', (marker) => writeFileSync(marker, 'MANIFEST-000007\n')],
  ])('recovers everything from a store whose marker %s', async (_name, damage) => {
    const path = copyOf('small')
    damage(join(path, MARKER))
    expect(await salvageStore(path, `${path}-2`, () => 'new')).toMatchObject({
      publications: 40,
      missing: 0,
      damaged: 0,
      clientIdKept: true,
    })
  })

  it('rejects a store in use, a folder without a store, and an occupied target', async () => {
    const path = join(temporaryFolder(), 'store')
    const { journal } = journalOn(path)
    await journal.accepted(durablePublication('a'))
    const salvaging = (from: string, to: string) => rejection(salvageStore(from, to, () => 'new'))
    expect(await salvaging(path, `${path}-2`)).toMatchObject({ problem: 'locked' })
    await journal.close()
    expect(await salvaging(join(path, '..'), `${path}-2`)).toMatchObject({ problem: 'foreign' })
    expect(await salvaging(path, pathOf('small'))).toMatchObject({ problem: 'foreign' })
    expect(existsSync(`${path}-2`)).toBe(false)
  })
})

describe('format 1', () => {
  it('is read, and written as format 2', async () => {
    const database = new SpiedDatabase()
    await database.writeFormat1([
      ['a', { payload: '1', qos: 2 }],
      ['b', { payload: Buffer.from('2') }],
    ])
    const { journal, restored } = journalOn(database)
    await journal.open()
    expect(journal.clientId).toBe('of format 1')
    expect(restored[0]).toMatchObject({
      inFlight: [{ topic: 'a', phase: 'sent', packetId: 40_000 }],
      waiting: [{ topic: 'b' }],
    })
    expect(await contentsOf(database)).toEqual(['a 1', 'b 2', 'sent 40000'])
    await journal.accepted(durablePublication('c'))
    await journal.close()
    const next = journalOn(database.reopened())
    await next.journal.open()
    expect(next.restored[0]?.waiting.map(({ topic, storeId }) => [topic, storeId])).toEqual([
      ['b', 2],
      ['c', 3],
    ])
    expect(next.journal.clientId).toBe('of format 1')
  })
})

async function write(path: string, count: number): Promise<void> {
  const { journal } = createJournal(path)
  await journal.open()
  // LevelDB writes a batch atomically, whatever its size.
  for (let n = 0; n < count; n += 500) {
    const some = topics(count).slice(n, n + 500)
    await Promise.all(
      some.map((topic) => journal.accepted(durablePublication(topic, { payload: Buffer.alloc(SIZE, topic) }))),
    )
  }
  await journal.close()
}

function topics(count: number): string[] {
  return Array.from({ length: count }, (_, n) => `t/${n}`)
}

function copyOf(name: 'closed' | 'small'): string {
  return copied(pathOf(name))
}

function copied(source: string): string {
  const path = join(temporaryFolder(), 'store')
  cpSync(source, path, { recursive: true })
  return path
}

/** The last file with such a name. */
function fileOf(path: string, part: string): string {
  return join(
    path,
    readdirSync(path)
      .toSorted()
      .findLast((file) => file.includes(part)) ?? '',
  )
}

function cut(path: string, part: string, by: number): void {
  const file = fileOf(path, part)
  truncateSync(file, readFileSync(file).length - by)
}

function zero(file: string): void {
  writeFileSync(file, Buffer.alloc(readFileSync(file).length))
}

function flip(file: string, at: number): void {
  const bytes = readFileSync(file)
  bytes[at]! ^= 0x55
  writeFileSync(file, bytes)
}

/** Leaves only its marker. */
function emptied(path: string): void {
  for (const file of readdirSync(path)) if (file !== MARKER) rmSync(join(path, file))
}

function namesAndSizes(path: string): Record<string, string> {
  return Object.fromEntries(readdirSync(path).map((file) => [file, readFileSync(join(path, file)).toString('base64')]))
}

function changeOne(values: Map<string, Uint8Array>, text: string): void {
  for (const value of values.values()) {
    const at = Buffer.from(value).indexOf(text)
    if (at >= 0) value[at]! ^= 1
  }
}

/** A publication. */
function deleteOne(values: Map<string, Uint8Array>): void {
  for (const key of values.keys()) if (key.startsWith('01')) return void values.delete(key)
}
