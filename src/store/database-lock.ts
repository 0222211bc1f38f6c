import { StoreError } from '../api/errors.ts'
import { deferred } from '../shared/wait.ts'
import type { LevelDatabase } from '../api/level-database.ts'
import { nothing } from '../shared/nothing.ts'

/** By their root the prefixes that are in use: two sublevels with one name hold the same. */
const inUse = new WeakMap<object, Set<string>>()

/** What there is of `abstract-level` beyond what we need. */
interface Identity {
  /** Of a sublevel: the database that it is in. */
  readonly db?: object
  /** Of a sublevel. */
  readonly prefix?: string
  /** Of `classic-level` and `browser-level`. */
  readonly location?: string
}

/**
 * Keeps a database of the application's from other clients: in this process, and in other pages of the same origin.
 *
 * @returns what ends that
 * @throws {StoreError} if one has it; also what a browser says that refuses locks
 */
export async function lockDatabase(database: LevelDatabase, location: string): Promise<() => void> {
  const identity = database as Identity
  const root = identity.db ?? database
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
 * A Web Lock (https://w3c.github.io/web-locks/), which ends with the page. Without them, outside of secure contexts, each
 * page is on its own.
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
  // It is refused where storage is.
  held.catch(reject)
  return promise
}
