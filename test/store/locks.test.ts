import { ClassicLevel } from 'classic-level'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, realpathSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it, onTestFinished, test, vi } from 'vitest'

import { StoreError } from '../../src/index.ts'
import { openDatabase } from '../../src/store/database.ts'
import { rejection } from '../support/promises.ts'
import { durablePublication } from '../support/publication.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { contentsAt, journalOn, SpiedDatabase, startDurableClient } from './journal-on.ts'

const nowhere = { url: 'mqtt://127.0.0.1:1' }
const durable = { qos: 1, durable: true } as const

describe('one folder', () => {
  const cwd = process.cwd()
  afterEach(() => process.chdir(cwd))

  test.each<[string, (folder: string) => string]>([
    ['relative', () => './store'],
    ['with a slash at its end', (folder) => `${folder}/store/`],
    ['with a `..` in it', (folder) => `${folder}/detour/../store`],
    ['through a symbolic link', (folder) => `${folder}/link`],
    ['below a symbolic link', (folder) => `${folder}/up/store`],
    ['with doubled slashes', (folder) => `${folder}//store`],
    ['the same', (folder) => `${folder}/store`],
  ])('has one client, however its path is spelled: %s', async (_name, spell) => {
    const folder = realpathSync(temporaryFolder())
    mkdirSync(join(folder, 'detour'))
    mkdirSync(join(folder, 'store'))
    symlinkSync(join(folder, 'store'), join(folder, 'link'))
    symlinkSync(folder, join(folder, 'up'))
    process.chdir(folder)

    const { client } = startDurableClient({ ...nowhere, store: join(folder, 'store') })
    await client.publish('a', '1', durable).accepted
    const { client: second } = startDurableClient({ ...nowhere, store: spell(folder) })
    expect(await rejection(second.publish('b', '2', durable).accepted)).toMatchObject({ problem: 'locked' })
    await client.publish('a', '3', durable).accepted
    await client[Symbol.asyncDispose]()

    // Now the folder is free.
    const { client: third } = startDurableClient({ ...nowhere, store: spell(folder) })
    await third.publish('c', '4', durable).accepted
    await third[Symbol.asyncDispose]()
    expect(await contentsAt(join(folder, 'store'))).toEqual(['a 1', 'a 3', 'c 4'])
  })

  it('is resolved when the client is created', async () => {
    const folder = realpathSync(temporaryFolder())
    mkdirSync(join(folder, 'elsewhere'))
    process.chdir(folder)
    const { client } = startDurableClient({ ...nowhere, store: './store' })
    process.chdir(join(folder, 'elsewhere'))
    await client.publish('a', '1', durable).accepted
    await client[Symbol.asyncDispose]()
    expect(await contentsAt(join(folder, 'store'))).toEqual(['a 1'])
  })

  it('that does not exist yet is locked by one of two clients that open it simultaneously', async () => {
    const path = join(temporaryFolder(), 'not', 'yet')
    const opened = await Promise.allSettled([journalOn(path).journal.open(), journalOn(`${path}/`).journal.open()])
    const [reason] = opened.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []))
    expect(reason).toMatchObject({ problem: 'locked' })
    expect(opened.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
  })

  it('is free after a release during a renewal, as after a write that took too long', async () => {
    const path = join(temporaryFolder(), 'store')
    const opened = await openDatabase(path)
    // As after a write that failed. The second attempt is that of a journal that has given up waiting for the first.
    const ended = await Promise.allSettled([opened.renew(), opened.renew(), opened.release()])
    expect(ended.map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'fulfilled'])
    await (await openDatabase(path)).release()
  })

  it('that another process writes to is reported as in use, not as damaged', { timeout: 30_000 }, async () => {
    const path = join(temporaryFolder(), 'store')
    const { journal } = journalOn(path)
    await journal.accepted(durablePublication('a'))
    await journal.close()
    const script = `
      import { ClassicLevel } from 'classic-level'
      const level = new ClassicLevel(process.argv[1])
      await level.open()
      // The ledger is outdated, as in the middle of a write of the other process.
      await level.put('\\x01aaaaaaaa', 'x')
      process.stdout.write('open')
      setInterval(() => {}, 1_000)`
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    onTestFinished(() => void child.kill('SIGKILL'))
    await once(child.stdout, 'data')
    expect(await rejection(journalOn(path).journal.open())).toMatchObject({ problem: 'locked' })
    child.kill('SIGKILL')
    await once(child, 'exit')
    expect(await rejection(journalOn(path).journal.open())).toMatchObject({ problem: 'corrupt', intactPublishes: 1 })
  })
})

describe('a database of the application', () => {
  it('has one client per sublevel, whatever object represents it', async () => {
    const database = new ClassicLevel(join(temporaryFolder(), 'application'))
    const { journal } = journalOn(database.sublevel('mqtt'))
    await journal.open()
    expect(await rejection(journalOn(database.sublevel('mqtt')).journal.open())).toMatchObject({ problem: 'locked' })
    const { journal: other } = journalOn(database.sublevel('other'))
    await other.open()
    await journal.close()
    await journalOn(database.sublevel('mqtt')).journal.open()
    await other.close()
    await database.close()
  })

  describe('in a browser', () => {
    afterEach(() => vi.unstubAllGlobals())

    it.each([
      ['when it is not open yet', null],
      ['when it is open', { objectStoreNames: ['outbox'] }],
    ])('a store belongs to one page as long as that page has a client with it: %s', async (_name, db) => {
      const held = stubLocks()
      const database = Object.assign(named('outbox'), { db })
      const { journal } = journalOn(database)
      await journal.open()
      expect([...held]).toEqual(['xstate-mqtt store outbox '])
      expect(await rejection(journalOn(database).journal.open())).toMatchObject({ problem: 'locked' })
      expect(await rejection(journalOn(named('outbox')).journal.open())).toMatchObject({
        problem: 'locked',
        location: 'outbox',
      })
      await journalOn(named('another')).journal.open()
      await journal.close()
      await journalOn(named('outbox')).journal.open()
    })

    it('a store is reported as unavailable if locks are refused', async () => {
      const cause = new DOMException('not here', 'SecurityError')
      const request = () => Promise.reject(cause)
      vi.stubGlobal('navigator', { locks: { request } })
      const { journal } = journalOn(named('outbox'))
      for (let n = 0; n < 2; n++) {
        const error = await rejection(journal.open())
        expect(error).toBeInstanceOf(StoreError)
        expect(error).toMatchObject({ problem: 'unavailable', location: 'outbox', cause })
      }
      stubLocks()
      await journal.open()
    })

    it('a store is free again if it could not be opened', async () => {
      const held = stubLocks()
      const database = named('outbox')
      database.open = () => Promise.reject(new Error('no IndexedDB here'))
      expect(await rejection(journalOn(database).journal.open())).toMatchObject({ problem: 'unavailable' })
      await vi.waitFor(() => expect([...held]).toEqual([]))
    })
  })
})

/** Like `browser-level`, whose `db` is its IndexedDB. */
function named(location: string): SpiedDatabase {
  return Object.assign(new SpiedDatabase(), { location })
}

/** A lock manager like the one that the pages of an origin share. */
function stubLocks(): Set<string> {
  const held = new Set<string>()
  vi.stubGlobal('navigator', {
    locks: {
      async request(name: string, options: object, use: (lock: object | null) => unknown) {
        expect(options).toEqual({ mode: 'exclusive', ifAvailable: true })
        if (held.has(name)) return use(null)
        held.add(name)
        try {
          return await use({ name })
        } finally {
          held.delete(name)
        }
      },
    },
  })
  return held
}
