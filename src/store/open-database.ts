import type { Operation } from '../api/level-database.ts'
import type { StoreRecords } from './read-store.ts'
import type { StoredPublication } from './records.ts'
/** An open database, locked for this client until it is released. */
export interface OpenDatabase {
  /**
   * Reads the content. The first time, that is what an earlier process left, checked against its ledger.
   *
   * @throws {StoreError}
   */
  read(): Promise<StoreRecords>
  /**
   * Reads publications, and leaves out those that are missing or damaged.
   *
   * @param sequences - in ascending order
   * @param sealed - whether they have checksums: those of format 1 have none
   * @throws the error of the database
   */
  load(sequences: readonly number[], sealed: boolean): Promise<Map<number, StoredPublication>>
  /** @param sync - whether it resolves only when everything so far is on disk */
  write(operations: Operation[], sync: boolean): Promise<void>
  /** Makes the database writable again after a failed write. @throws if that is not possible */
  renew(): Promise<void>
  /** Notes the number of written batches outside the database, without waiting for the disk. */
  written(batches: number): void
  /** Resolves when the number is on disk, or could not be written. */
  remember(batches: number): Promise<void>
  release(): Promise<void>
}
