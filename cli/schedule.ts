import { backoffCeiling, expectedDelay, type BackoffPolicy } from '../machines/policy/backoff.ts'

/** One attempt or cycle of a schedule. All times are in milliseconds. */
export interface ScheduleRow {
  /** From 1. */
  readonly n: number
  /** Its delay without jitter. */
  readonly ceiling: number
  /** Its delay on average. */
  readonly expected: number
  /** Of the expected delays, up to and with this one. */
  readonly cumulative: number
}

/** The schedule of one tier. */
export interface Schedule {
  readonly rows: readonly ScheduleRow[]
  /** Whether it goes on like that for ever. */
  readonly unlimited: boolean
  /** Of all rows; with `unlimited` of those that are shown. */
  readonly ceiling: number
  readonly expected: number
}

/** How many rows stand for a tier without an end. */
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
