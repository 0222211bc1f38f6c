import type { Total } from './publication-index.ts'
import { ledgerRecord, type LedgerState, type StoreRecord } from './records.ts'

const MODULUS = 2 ** 32

/** Counts the records of a store: see records.ts. */
export class Ledger implements LedgerState {
  batches: number
  lastSequence: number
  publications = 0
  others = 0
  sum = 0

  constructor({ batches, lastSequence }: Pick<LedgerState, 'batches' | 'lastSequence'>) {
    this.batches = batches
    this.lastSequence = lastSequence
  }

  count(of: 'publications' | 'others', checksum: number): void {
    this[of]++
    this.sum = (this.sum + checksum) % MODULUS
  }

  uncount(of: 'publications' | 'others', checksum: number): void {
    this[of]--
    this.sum = (this.sum - checksum + MODULUS) % MODULUS
  }

  countPublications({ count, checksums }: Total): void {
    this.publications += count
    this.sum = (this.sum + checksums) % MODULUS
  }

  /** Counts what another ledger has counted. */
  take({ publications, others, sum }: LedgerState): void {
    this.publications += publications
    this.others += others
    this.sum = (this.sum + sum) % MODULUS
  }

  /** @returns the ledger record for the next batch */
  next(): StoreRecord {
    this.batches++
    return ledgerRecord(this)
  }

  /** Whether the records that were found are those that were written. */
  agreesWith({ publications, others, sum }: LedgerState): boolean {
    return this.publications === publications && this.others === others && this.sum === sum
  }
}
