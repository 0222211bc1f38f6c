import type { Recording } from '../../testing/replay/read-recording.ts'
import type { TimedLine } from '../../testing/replay/timed-lines.ts'

/** The wall clock of a process was set back. */
export interface SetBack {
  readonly client: string
  /** When it was noticed, by the clock as it was before, in milliseconds since 1970. */
  readonly at: number
  /** By how many milliseconds. */
  readonly by: number
}

/** In milliseconds. A smaller step, such as one by NTP, is hardly visible on the page. */
const LEAST = 1_000

/** Returns where the wall clock was set back by a second or more. */
export function setBacksOf(recordings: readonly Recording[]): SetBack[] {
  return recordings.flatMap(({ client, lines }) => {
    const checkpoints = lines.filter((line) => line.type === 'checkpoint')
    return checkpoints.flatMap(({ t, now }, index) => {
      const before = checkpoints[index - 1]
      const expected = before ? before.now + t - before.t : now
      return expected - now >= LEAST ? [{ client, at: expected, by: expected - now }] : []
    })
  })
}

/**
 * Keeps the times from going backwards, because the order of the lines is the order in which everything happened: after the
 * clock was set back, the time stands still until the clock has caught up.
 */
export function forwards(lines: readonly TimedLine[]): TimedLine[] {
  let last = Number.NEGATIVE_INFINITY
  return lines.map(({ line, at }) => ({ line, at: (last = Math.max(last, at)) }))
}
