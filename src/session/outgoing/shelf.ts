import type { Publication } from './publication.ts'

/** A publication that is only on disk. */
export interface Shelved {
  readonly storeId: number
  readonly bytes: number
  readonly latest: string | undefined
}

/**
 * The waiting publications of an earlier process that are only on disk, in order. The outbox takes them into memory as it
 * drains. They count towards its size, expire, and can be superseded or dropped like those in memory. The journal keeps
 * a few bytes of each, so that everything but `take` is synchronous.
 */
export interface Shelf {
  /** How many there are, without those that are held back. */
  readonly size: number
  /** The bytes of their topics and payloads. */
  readonly bytes: number
  /** Whether nothing is left, held back or not. */
  readonly isEmpty: boolean
  /** Whether `take` has something to take. The first one may be held back. */
  readonly isReady: boolean
  /** None expires before this time, in milliseconds since 1970; `Infinity` if none ever does. */
  readonly nextExpiry: number
  /** Whether one counts: it is neither held back nor removed. */
  counts(shelved: Shelved): boolean
  oldest(): Shelved | undefined
  newest(): Shelved | undefined
  /** The one with a `latest` key: there is at most one that is not held back. */
  latest(key: string): Shelved | undefined
  /** Holds one back. It no longer counts, and neither it nor those behind it are taken. */
  hold(shelved: Shelved): void
  /** Takes that back. */
  release(shelved: Shelved): void
  /** Removes one, held back or not. @returns resolves with its topic, or `undefined` if that can't be read */
  remove(shelved: Shelved): Promise<string | undefined>
  /** Those that have expired, at most so many at a time. The caller removes them. @param now - since 1970 */
  expired(now: number): readonly Shelved[]
  /**
   * Reads the next ones, which are then no longer on the shelf. A failure is reported by the journal, and the promise
   * then resolves after a pause, with nothing. Not called again before it resolves.
   */
  take(): Promise<readonly Publication[]>
}
