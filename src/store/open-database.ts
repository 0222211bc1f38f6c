import type { LevelDatabase } from '../api/level-database.ts'
import type { StoreRecords } from './read-store.ts'
/** A database that is open, and ours until it is released. */
export interface OpenDatabase {
  readonly database: LevelDatabase
  /**
   * Reads what is there. The first time that is what an earlier process left behind, and it was compared with what that
   * has written.
   *
   * @throws {StoreError}
   */
  read(): Promise<StoreRecords>
  /** After a failed write: makes it fit to be written to again. @throws what is wrong */
  renew(): Promise<void>
  /** So many batches were written: that is remembered outside of the database, without waiting for it. */
  written(batches: number): void
  /** Resolves when that is remembered, as far as the disk takes it. */
  remember(batches: number): Promise<void>
  release(): Promise<void>
}
