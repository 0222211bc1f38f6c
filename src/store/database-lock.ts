import { StoreError } from '../api/errors.ts'
import type { LevelDatabase } from '../api/level-database.ts'
import { nothing } from '../shared/nothing.ts'
import { deferred } from '../shared/wait.ts'
import { rootOf } from './location.ts'

/** The prefixes in use, by root database. Two sublevels with the same name hold the same data. */
const inUse = new WeakMap<object, Set<string>>()

/** Members of `abstract-level` beyond the public option type. */
interface Identity {
  /** The prefix of a sublevel. */
  readonly prefix?: string
  /** The location of a `classic-level` or `browser-level`. */
  readonly location?: string
}

/**
 * Locks a database of the application against other clients, in this process and in other pages of the same origin.
 *
 * @returns releases the lock
 * @throws {StoreError} if another client has it. Also the error of a browser that refuses locks
 */
export async function lockDatabase(database: LevelDatabase, location: string): Promise<() => void> {
  const identity = database as Identity
  const root = rootOf(database)
  const prefix = identity.prefix ?? ''
  const prefixes = inUse.get(root) ?? new Set()
  if (prefixes.has(prefix)) throw new StoreError('locked', location)
  inUse.set(root, prefixes.add(prefix))
  const { location: name } = root as Identity
  try {
    const unlockPage = name === undefined ? nothing : await lockPage(`xstate-mqtt store ${name} ${prefix}`)
    if (!unlockPage) throw new StoreError('locked', location)
    return () => {
      prefixes.delete(prefix)
      unlockPage()
    }
  } catch (error) {
    prefixes.delete(prefix)
    throw error
  }
}

/**
 * A Web Lock (https://w3c.github.io/web-locks/), which ends with the page. Outside secure contexts there are none, and
 * pages are not locked against each other.
 *
 * @returns `undefined` if another page has it
 */
async function lockPage(name: string): Promise<(() => void) | undefined> {
  const { locks } = globalThis.navigator ?? {}
  if (!locks) return nothing
  const released = deferred<void>()
  const { promise, resolve, reject } = deferred<(() => void) | undefined>()
  const held = locks.request(name, { mode: 'exclusive', ifAvailable: true }, (lock) => {
    resolve(lock ? released.resolve : undefined)
    return lock ? released.promise : undefined
  })
  // A lock is refused where storage is refused.
  held.catch(reject)
  return promise
}
