import { UsageError } from '../command.ts'

/** In milliseconds since 1970. */
export interface Span {
  readonly from: number
  readonly until: number
}

const DAY = 86_400_000

/**
 * Parses a time in UTC. A bare time of day is the first one within the span. If there is none, it is the nearest one on the
 * days of the span.
 *
 * @returns milliseconds since 1970
 * @throws {UsageError}
 */
export function timeWithin(span: Span, flag: string, text: string): number {
  const isTimeOfDay = /^\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?$/.test(text)
  const time = Date.parse(isTimeOfDay ? `1970-01-01T${text}Z` : inUtc(text))
  if (Number.isNaN(time)) {
    throw new UsageError(`${flag} must be a time in UTC such as 18:05, or 2026-11-28T18:05:00, got '${text}'`)
  }
  return isTimeOfDay ? nearest(span, time) : time
}

function nearest(span: Span, timeOfDay: number): number {
  const firstDay = Math.floor(span.from / DAY)
  const days = Math.floor(span.until / DAY) - firstDay + 1
  const times = Array.from({ length: days }, (_, day) => (firstDay + day) * DAY + timeOfDay)
  return times.reduce((best, time) => (distance(span, time) < distance(span, best) ? time : best))
}

function distance({ from, until }: Span, time: number): number {
  return Math.max(from - time, time - until, 0)
}

function inUtc(text: string): string {
  return /(?:Z|[+-]\d\d:?\d\d)$/.test(text) ? text : `${text}Z`
}
