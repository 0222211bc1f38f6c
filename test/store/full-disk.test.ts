import { ClassicLevel } from 'classic-level'
import { execFileSync } from 'node:child_process'
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it, test } from 'vitest'

import { rejection } from '../support/promises.ts'
import { durablePublication } from '../support/publication.ts'
import { contentsOf, createJournal, journalOn, SpiedDatabase } from './journal-on.ts'

const MEGABYTE = 1_024 * 1_024

/** A disk of a few megabytes, if this process may mount one. */
const disk = join(temporaryRoot(), 'disk')
const noDisk = mount()
if (noDisk) console.warn(`The tests of a full disk are skipped: ${noDisk}`)

afterAll(() => {
  if (!noDisk) execFileSync('umount', [disk])
  rmSync(temporaryRoot(), { recursive: true, force: true })
})

describe.skipIf(noDisk)('a disk that is full for a while', () => {
  test.each(['a folder', 'a database of the application'])(
    'loses no publish that was accepted before, during or after that time: %s',
    { timeout: 60_000 },
    async (kind) => {
      const path = join(disk, `store-${kind.length}`)
      const level = kind === 'a folder' ? undefined : new ClassicLevel<Uint8Array, Uint8Array>(path)
      const { journal, told } = createJournal(level ?? path)
      const accepted: string[] = []
      let refused = 0
      const publish = async (n: number) => {
        try {
          await journal.accepted(durablePublication(`t/${n}`, { payload: Buffer.alloc(1_000, n) }))
          accepted.push(`t/${n}`)
        } catch (error) {
          expect(error).toMatchObject({ code: 'STORE', problem: 'write' })
          refused++
        }
      }
      let n = 0
      for (let round = 0; round < 3; round++) {
        for (const last = n + 50; n < last;) await publish(n++)
        const filled = fill()
        const before = refused
        // The log has some room left in its last block.
        for (const last = n + 60; n < last;) await publish(n++)
        expect(refused).toBeGreaterThan(before)
        rmSync(filled)
        const { length } = accepted
        for (const last = n + 50; n < last;) await publish(n++)
        expect(accepted).toHaveLength(length + 50)
      }
      await journal.close()
      await level?.close()
      expect(told.filter((line) => line.startsWith('error'))).toHaveLength(3)

      const reopened = level && new ClassicLevel<Uint8Array, Uint8Array>(path)
      const { journal: next, restored } = createJournal(reopened ?? path)
      await next.open()
      expect(restored[0]?.waiting.map(({ topic }) => topic)).toEqual(accepted)
      await next.close()
      await reopened?.close()
      rmSync(path, { recursive: true })
    },
  )
})

describe('a database whose write failed', () => {
  it('is compared with its expected contents before the next write', async () => {
    const database = new SpiedDatabase()
    const { journal } = journalOn(database)
    await journal.accepted(durablePublication('before', { payload: '1' }))
    await journal.accepted(durablePublication('lost', { payload: '2' }))
    database.failure = new Error('no space left on device')
    await rejection(journal.accepted(durablePublication('refused')))
    // Whatever the database did with that write.
    await database.tamper((values) => {
      values.delete('010000000000000002')
      values.set('010000000000000007', Buffer.from('half of something'))
    })
    database.failure = undefined
    await journal.accepted(durablePublication('after'))
    await journal.close()
    expect(await contentsOf(database)).toEqual(['before 1', 'lost 2', 'after '])
    const next = journalOn(database.reopened())
    await next.journal.open()
    expect(next.restored[0]?.waiting.map(({ topic }) => topic)).toEqual(['before', 'lost', 'after'])
  })

  it('repeats a deletion that a crash lost at the end of a log', async () => {
    const database = new SpiedDatabase()
    const { journal } = journalOn(database)
    const done = durablePublication('done')
    await journal.accepted(done)
    // LevelDB can begin a new log after a write without a sync, which then never reaches the disk.
    database.dropUnsynced = true
    journal.settled(done)
    await database.next()
    await journal.accepted(durablePublication('next'))
    const { journal: following, restored } = journalOn(database.reopened())
    await following.open()
    expect(restored[0]?.waiting.map(({ topic }) => topic)).toEqual(['next'])
  })
})

describe('a record that cannot be written', () => {
  test.each([
    ['a latest that is a symbol', { latest: Symbol('x') as never }],
    ['a payload without its buffer', { payload: detached() }],
    ['invalid user properties', { properties: { userProperties: { traceId: undefined as never } } }],
  ])('rejects only its own publish: %s', async (_name, init) => {
    const database = new SpiedDatabase()
    const { journal, told } = journalOn(database)
    const before = journal.accepted(durablePublication('before'))
    const bad = durablePublication('bad')
    Object.assign(bad, init)
    const rejected = rejection(journal.accepted(bad))
    const after = journal.accepted(durablePublication('after'))
    expect(await rejected).toMatchObject({ code: 'STORE', problem: 'write', cause: expect.any(TypeError) })
    expect(told).toHaveLength(1)
    await Promise.all([before, after])
    journal.settled(bad)
    await journal.close()
    expect(await contentsOf(database)).toEqual(['before ', 'after '])
  })

  it('rejects only its own publish when encoding throws unexpectedly', async () => {
    const database = new SpiedDatabase()
    const { journal } = journalOn(database)
    await journal.accepted(durablePublication('before'))
    const hostile = durablePublication('hostile')
    await journal.accepted(hostile)
    Object.defineProperty(hostile, 'packetId', { value: Symbol('none') })
    await journal.sent([hostile])
    await journal.accepted(durablePublication('after'))
    expect(await contentsOf(database)).toEqual(['before ', 'hostile ', 'after '])
  })

  it('contains the payload at the time of the call, whatever changes later', async () => {
    const database = new SpiedDatabase()
    const { journal } = journalOn(database)
    await journal.open()
    const payload = Buffer.from('as it was')
    const changing = durablePublication('a', { payload })
    const accepted = journal.accepted(changing)
    payload.fill('x')
    await accepted
    expect(await contentsOf(database)).toEqual(['a as it was'])
    expect(Buffer.from(changing.payload as Uint8Array).toString()).toBe('as it was')
  })
})

function detached(): Uint8Array {
  const bytes = new Uint8Array(8)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
}

/** Fills the remaining space. */
function fill(): string {
  const file = join(disk, 'fill')
  for (const bytes of [MEGABYTE, 4_096]) {
    for (;;) {
      try {
        writeFileSync(file, Buffer.alloc(bytes), { flag: 'a' })
      } catch {
        break
      }
    }
  }
  return file
}

function temporaryRoot(): string {
  return join(process.cwd(), '.cache', `full-disk-${process.pid}`)
}

/** @returns the reason why there is none, or an empty result */
function mount(): string {
  mkdirSync(disk, { recursive: true })
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=6m', 'tmpfs', disk], { stdio: 'pipe' })
    return ''
  } catch (error) {
    return (error as Error).message.trim().split('\n').at(-1) ?? 'it cannot be mounted'
  }
}
