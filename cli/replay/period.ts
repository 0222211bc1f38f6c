import type { Recording } from '../../testing/replay/read-recording.ts'
import { timedLines } from '../../testing/replay/timed-lines.ts'
import { UsageError } from '../command.ts'

/** Which part of a recording is wanted. */
export interface Period {
  readonly from: string | undefined
  readonly until: string | undefined
}

/**
 * Returns the parts of recordings within a period. Each begins with the last checkpoint before it, because a replay must.
 * Recordings without a step in it are left out.
 *
 * @throws {UsageError} if there is none, or a time is wrong
 */
export function within(recordings: readonly Recording[], { from, until }: Period): readonly Recording[] {
  if (from === undefined && until === undefined) return recordings
  const parts = recordings.flatMap((recording) => {
    const begins = timeIn(recording, '--from', from) ?? Number.NEGATIVE_INFINITY
    const ends = timeIn(recording, '--until', until) ?? Number.POSITIVE_INFINITY
    const timed = timedLines(recording.lines)
    const first = timed.findLastIndex(({ line, at }) => line.type === 'checkpoint' && at <= begins)
    const lines = timed.slice(Math.max(0, first)).flatMap(({ line, at }) => (at <= ends ? [line] : []))
    const isEmpty = !timed.some(({ line, at }) => line.type === 'step' && at >= begins && at <= ends)
    return isEmpty ? [] : [{ ...recording, lines }]
  })
  if (parts.length > 0) return parts
  throw new UsageError('Nothing was recorded between --from and --until')
}

/**
 * Returns the times of a period, in milliseconds since 1970: those that are given, as far as something was recorded.
 *
 * @throws {UsageError} if one is wrong
 */
export function timesOf(recordings: readonly Recording[], { from, until }: Period) {
  const [first] = recordings
  const lines = recordings.flatMap((recording) => timedLines(recording.lines).map(({ at }) => at))
  const begin = lines.reduce((least, at) => Math.min(least, at), Number.POSITIVE_INFINITY)
  const end = lines.reduce((most, at) => Math.max(most, at), Number.NEGATIVE_INFINITY)
  return {
    from: Math.max(begin, (first && timeIn(first, '--from', from)) ?? begin),
    until: Math.min(end, (first && timeIn(first, '--until', until)) ?? end),
  }
}

function timeIn({ lines: [first] }: Recording, flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined
  const day = new Date(first?.type === 'checkpoint' ? first.now : 0).toISOString().slice(0, 10)
  const isTimeOfDay = /^\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?$/.test(text)
  const time = Date.parse(isTimeOfDay ? `${day}T${text}Z` : inUtc(text))
  if (!Number.isNaN(time)) return time
  throw new UsageError(`${flag} must be a time in UTC such as 18:05, or 2026-11-28T18:05:00, got '${text}'`)
}

function inUtc(text: string): string {
  return /(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`
}
