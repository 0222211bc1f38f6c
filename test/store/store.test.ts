import { ClassicLevel } from 'classic-level'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it, test } from 'vitest'

import { StoreError } from '../../src/index.ts'
import { Ledger } from '../../src/store/ledger.ts'
import { MARKER } from '../../src/store/marker.ts'
import {
  encodePublication,
  handshakeRecord,
  headerRecord,
  ledgerRecord,
  publicationKey,
  publicationRecord,
  type StoreRecord,
} from '../../src/store/records.ts'
import { rejection } from '../support/promises.ts'
import { durablePublication } from '../support/publication.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { contentsAt, journalOn, SpiedDatabase, startDurableClient } from './journal-on.ts'

type Entry = readonly [key: Uint8Array | string, value: Uint8Array | string]

const handshake = entryOf(handshakeRecord(1, { phase: 'sent', packetId: 1 }))
const header = entryOf(headerRecord('c'))
const [headerKey] = header
const empty = entryOf(ledgerRecord(new Ledger({ batches: 1, lastSequence: 0 })))
const ofTheFuture = Buffer.from(header[1])
ofTheFuture[ofTheFuture.indexOf(0) + 1] = 3

describe('a database in a folder with our marker', () => {
  test.each<[string, StoreError['problem'], readonly Entry[]]>([
    ['of another application', 'foreign', [['user:1', '{"name":"x"}']]],
    ['of another application with our first key', 'foreign', [[headerKey, 'leveldb']]],
    ['with our header and a key of another application', 'foreign', [header, ['zz', 'x']]],
    ['of a newer format', 'newer', [[headerKey, ofTheFuture]]],
    ['whose header is cut short', 'corrupt', [[headerKey, header[1].slice(0, -3)], empty]],
    ['with an invalid publication', 'corrupt', [header, [publicationKey(1), 'x'], empty]],
    ['with a handshake without a publication', 'corrupt', [header, handshake, counting(handshake)]],
    ['with a missing publication', 'corrupt', [header, publicationOf(1), counting(publicationOf(1), publicationOf(2))]],
    [
      'with an additional publication',
      'corrupt',
      [header, publicationOf(1), publicationOf(2), counting(publicationOf(1))],
    ],
    ['with a different publication', 'corrupt', [header, publicationOf(1), counting(publicationOf(2))]],
    ['without its ledger', 'corrupt', [header, publicationOf(1)]],
    ['without its header', 'corrupt', [publicationOf(1), counting(publicationOf(1))]],
  ])('%s is rejected without a change: %s', async (_name, problem, entries) => {
    const path = join(temporaryFolder(), 'store')
    await fill(path, entries)
    const before = await dump(path)

    const { client } = startDurableClient({ url: 'mqtt://127.0.0.1:1', store: path })
    const publishing = client.publish('a', 'x', { qos: 1, durable: true })
    const error = await rejection(client.connect())

    expect(error).toBeInstanceOf(StoreError)
    expect(error).toMatchObject({ problem, location: path, code: 'STORE' })
    expect(error.message).toContain(path)
    expect(await rejection(publishing.accepted)).toMatchObject({ problem })
    expect(await rejection(publishing)).toMatchObject({ problem })
    expect(client.status).toMatchObject({ state: 'idle', outbox: { size: 0, bytes: 0, inFlight: 0 } })
    await client[Symbol.asyncDispose]()
    expect(await dump(path)).toEqual(before)
  })

  it('that LevelDB reports as damaged is rejected', async () => {
    const path = join(temporaryFolder(), 'store')
    await fill(path, [header])
    writeFileSync(join(path, 'CURRENT'), 'MANIFEST-9')
    const error = await rejection(journalOn(path).journal.open())
    expect(error).toMatchObject({ problem: 'corrupt', location: path })
    // There is nothing to salvage.
    expect(error.message).toBe(
      `the store ${path} is damaged (none of its publishes are intact), and was left unchanged: move it away to start with an empty store`,
    )
    expect(readFileSync(join(path, 'CURRENT'), 'utf8')).toBe('MANIFEST-9')
  })

  test.each<[string, StoreError['problem'], (path: string) => void]>([
    ['with a changed bit in its first record', 'corrupt', (path) => changeLog(path, (log) => (log[20]! ^= 1))],
    ['with a changed bit in its log', 'corrupt', (path) => changeLog(path, (log) => (log[log.indexOf('t/5')]! ^= 1))],
    ['without CURRENT', 'corrupt', (path) => rmSync(join(path, 'CURRENT'))],
    ['without our marker', 'foreign', (path) => rmSync(join(path, MARKER))],
    ['marked as of a newer format', 'newer', (path) => writeFileSync(join(path, MARKER), 'outbox, format 3\n')],
  ])('%s is not opened: %s', async (_name, problem, change) => {
    const path = join(temporaryFolder(), 'store')
    await fill(path, [header, ...Array.from({ length: 20 }, (_, n) => publicationOf(n + 1))])
    change(path)
    const before = bytesOf(path)
    expect(await rejection(journalOn(path).journal.open())).toMatchObject({ problem, location: path })
    expect(bytesOf(path)).toEqual(before)
  })

  it('with an incomplete last write contains the earlier ones', async () => {
    const path = join(temporaryFolder(), 'store')
    const { journal } = journalOn(path)
    for (const topic of ['a', 'b', 'c']) await journal.accepted(durablePublication(topic))
    await journal.close()
    changeLog(path, (log) => Buffer.concat([log, log.subarray(0, 30)]))
    const { journal: next, restored } = journalOn(path)
    await next.open()
    expect(restored[0]?.waiting.map(({ topic }) => topic)).toEqual(['a', 'b', 'c'])
  })

  it('that another client has open is rejected, and keeps working for that client', async () => {
    const path = join(temporaryFolder(), 'store')
    const { journal } = journalOn(path)
    await journal.accepted(durablePublication('a'))

    const error = await rejection(journalOn(path).journal.open())
    expect(error).toMatchObject({ problem: 'locked' })
    expect(error.message).toMatch(/is already in use: give each client a store of its own/)

    await journal.accepted(durablePublication('b'))
    await journal.close()
    expect(await contentsAt(path)).toEqual(['a ', 'b '])
  })

  it('is created together with its parent folders', async () => {
    const path = join(temporaryFolder(), 'not', 'yet', 'there')
    const { journal } = journalOn(path)
    await journal.accepted(durablePublication('a'))
    await journal.close()
    expect(await contentsAt(path)).toEqual(['a '])
  })

  it('whose first opening was interrupted is opened', async () => {
    const path = temporaryFolder()
    for (const file of [MARKER, 'LOCK', 'LOG', 'MANIFEST-000001']) writeFileSync(join(path, file), '')
    await journalOn(path).journal.open()
    expect(readdirSync(path)).toContain('CURRENT')
  })
})

describe('a path without a database', () => {
  test.each([
    ['a folder of documents', (path: string) => (mkdirSync(path), writeFileSync(join(path, 'letter.txt'), 'Dear'))],
    ['a file', (path: string) => writeFileSync(path, 'Dear')],
  ])('%s is rejected without a write', async (_name, make) => {
    const path = join(temporaryFolder(), 'place')
    make(path)
    const error = await rejection(journalOn(path).journal.open())
    expect(error).toMatchObject({ problem: 'foreign' })
    expect(lookAt(path)).toBe('Dear')
  })

  it.each([
    ['a device', '/dev/null/store'],
    ['below a device', '/dev/null/a/store'],
    // Node's own way to make folders would try for ever.
    ['in /proc', '/proc/nowhere/store'],
  ])('a folder that cannot be created is rejected with the cause: %s', async (_name, path) => {
    const error = await rejection(journalOn(path).journal.open())
    expect(error).toMatchObject({ problem: 'unavailable' })
    expect(error.message).toMatch(/could not be opened: .*directory/i)
  })
})

describe('a database of the application', () => {
  it('serves one client at a time, and stays open', async () => {
    const database = new ClassicLevel(join(temporaryFolder(), 'application'))
    const first = journalOn(database).journal
    await first.open()
    expect(await rejection(journalOn(database).journal.open())).toMatchObject({ problem: 'locked' })
    await first.close()
    expect(database.status).toBe('open')
    await journalOn(database).journal.open()
    await database.close()
  })

  it('may be a sublevel, beside other data', async () => {
    const database = new ClassicLevel(join(temporaryFolder(), 'application'))
    await database.put('mine', 'x')
    const { journal } = journalOn(database.sublevel('mqtt'))
    await journal.accepted(durablePublication('a'))
    await journal.close()
    const { journal: next, restored } = journalOn(database.sublevel('mqtt'))
    await next.open()
    expect(restored[0]?.waiting.map(({ topic }) => topic)).toEqual(['a'])
    expect(await database.get('mine')).toBe('x')
    await next.close()
    await database.close()
  })

  it('can be opened again after a failure', async () => {
    const database = new SpiedDatabase()
    database.failure = new Error('not now')
    const { journal } = journalOn(database)
    await rejection(journal.open())
    database.failure = undefined
    await journal.open()
    expect(journal.clientId).toBe('generated')
  })
})

test.each([
  ['', 'store must be the path of a folder, or a database, got ""'],
  [{}, 'store must have the methods open(), batch(), iterator(), got an object'],
  [7, 'store must have the methods open(), batch(), iterator(), got 7'],
])('the option store rejects %j', (store, message) => {
  expect(() => startDurableClient({ url: 'mqtt://x', store: store as never })).toThrow(message)
})

const buffers = { keyEncoding: 'buffer', valueEncoding: 'buffer' } as const

async function fill(path: string, entries: readonly Entry[]): Promise<void> {
  mkdirSync(path)
  writeFileSync(join(path, MARKER), '')
  const database = new ClassicLevel<Buffer, Buffer>(path, buffers)
  await database.batch(
    entries.map(([key, value]) => ({ type: 'put', key: Buffer.from(key), value: Buffer.from(value) })),
  )
  await database.close()
}

/** The contents of a path: a file, or a folder with a single file. */
function lookAt(path: string): string {
  if (!statSync(path).isDirectory()) return readFileSync(path, 'utf8')
  return readdirSync(path)
    .map((file) => readFileSync(join(path, file), 'utf8'))
    .join()
}

function entryOf({ key, value }: StoreRecord): Entry {
  return [key, value]
}

function publicationOf(sequence: number): Entry {
  return entryOf(publicationRecord(sequence, encodePublication(durablePublication(`t/${sequence}`))))
}

/** The ledger of some records. */
function counting(...entries: readonly Entry[]): Entry {
  const ledger = new Ledger({ batches: 1, lastSequence: 0 })
  for (const [key, value] of entries) {
    const checksum = Buffer.from(value).readUInt32BE(value.length - 4)
    ledger.count(key[0] === 1 ? 'publications' : 'others', checksum)
  }
  return entryOf(ledgerRecord(ledger))
}

function changeLog(path: string, change: (log: Buffer) => Uint8Array | number): void {
  const file = join(path, readdirSync(path).find((each) => each.endsWith('.log')) ?? '')
  const log = readFileSync(file)
  const changed = change(log)
  writeFileSync(file, typeof changed === 'number' ? log : changed)
}

/** The bytes of each file in a folder. */
function bytesOf(path: string): Record<string, string> {
  return Object.fromEntries(readdirSync(path).map((file) => [file, readFileSync(join(path, file), 'hex')]))
}

async function dump(path: string): Promise<string[]> {
  const database = new ClassicLevel<Buffer, Buffer>(path, buffers)
  const entries = await database.iterator().all()
  await database.close()
  return entries.map(([key, value]) => `${key.toString('hex')} ${value.toString('hex')}`)
}
