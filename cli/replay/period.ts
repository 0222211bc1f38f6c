import type { Recording } from '../../testing/replay/read-recording.ts'
import { timedLines } from '../../testing/replay/timed-lines.ts'
import { UsageError } from '../command.ts'
import { timeWithin, type Span } from './time-within.ts'

/** Which part of a recording is wanted. */
export interface Period {
  readonly from: string | undefined
  readonly until: string | undefined
}

/** The parts of recordings within a period, and from when until when they last. */
export interface Part extends Span {
  readonly recordings: readonly Recording[]
}

/**
 * Returns the part of each recording within a period. It begins with the last checkpoint before the period, because a replay
 * must. Recordings without a step in the period are left out. A bare time of day is looked for in each run on its own.
 *
 * @throws {UsageError} if there is no step in the period, or a time is wrong
 */
export function partOf(recordings: readonly Recording[], period: Period): Part {
  if (period.from === undefined && period.until === undefined) return { recordings, ...union(recordings.map(spanOf)) }
  const runs = spansOfRuns(recordings)
  const parts = recordings.flatMap((recording) => {
    const recorded = spanOf(recording)
    const wanted = resolve(period, runs.get(recording.header.run) ?? recorded)
    const lines = linesWithin(recording, wanted)
    return lines.length > 0 ? [{ recording: { ...recording, lines }, span: overlap(wanted, recorded) }] : []
  })
  if (parts.length === 0) throw new UsageError('nothing was recorded between --from and --until')
  return { recordings: parts.map(({ recording }) => recording), ...union(parts.map(({ span }) => span)) }
}

function resolve({ from, until }: Period, run: Span): Span {
  const begin = from === undefined ? Number.NEGATIVE_INFINITY : timeWithin(run, '--from', from)
  if (until === undefined) return { from: begin, until: Number.POSITIVE_INFINITY }
  const rest = { from: Math.min(Math.max(begin, run.from), run.until), until: run.until }
  return { from: begin, until: timeWithin(rest, '--until', until) }
}

function linesWithin({ lines }: Recording, { from, until }: Span): Recording['lines'] {
  const timed = timedLines(lines)
  if (!timed.some(({ line, at }) => line.type === 'step' && at >= from && at <= until)) return []
  const first = timed.findLastIndex(({ line, at }) => line.type === 'checkpoint' && at <= from)
  return timed.slice(Math.max(0, first)).flatMap(({ line, at }) => (at <= until ? [line] : []))
}

/** A run is all that a process recorded. */
function spansOfRuns(recordings: readonly Recording[]): ReadonlyMap<string, Span> {
  const spans = new Map<string, Span>()
  for (const recording of recordings) {
    const { run } = recording.header
    const known = spans.get(run)
    const span = spanOf(recording)
    spans.set(run, known ? union([known, span]) : span)
  }
  return spans
}

function spanOf({ lines }: Recording): Span {
  return union(timedLines(lines).map(({ at }) => ({ from: at, until: at })))
}

function union(spans: readonly Span[]): Span {
  return {
    from: spans.reduce((least, { from }) => Math.min(least, from), Number.POSITIVE_INFINITY),
    until: spans.reduce((most, { until }) => Math.max(most, until), Number.NEGATIVE_INFINITY),
  }
}

function overlap(one: Span, other: Span): Span {
  return { from: Math.max(one.from, other.from), until: Math.min(one.until, other.until) }
}
