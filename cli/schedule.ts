import { backoffCeiling, expectedDelay, type BackoffPolicy } from '../machines/policy/backoff.ts'

/** One attempt or cycle of a schedule. All times are in milliseconds. */
export interface ScheduleRow {
  /** Counts from 1. */
  readonly n: number
  /** The delay without jitter. */
  readonly ceiling: number
  /** The average delay. */
  readonly expected: number
  /** The sum of the expected delays up to this row. */
  readonly cumulative: number
}

/** The schedule of one tier. */
export interface Schedule {
  readonly rows: readonly ScheduleRow[]
  /** Whether the schedule has no end. */
  readonly unlimited: boolean
  /** The sums over all rows; if `unlimited`, over those that are shown. */
  readonly ceiling: number
  readonly expected: number
}

/** How many rows are shown of a tier without an end. */
export const SHOWN_OF_UNLIMITED = 10

export function schedule(policy: BackoffPolicy & { readonly maxAttempts: number }): Schedule {
  const unlimited = policy.maxAttempts === Number.POSITIVE_INFINITY
  const rows: ScheduleRow[] = []
  let expectedInAll = 0
  let ceilingInAll = 0
  for (let n = 1; n <= (unlimited ? SHOWN_OF_UNLIMITED : policy.maxAttempts); n++) {
    const ceiling = backoffCeiling(policy, n)
    const expected = expectedDelay(policy, n)
    ceilingInAll += ceiling
    expectedInAll += expected
    rows.push({ n, ceiling, expected, cumulative: expectedInAll })
  }
  return { rows, unlimited, ceiling: ceilingInAll, expected: expectedInAll }
}
