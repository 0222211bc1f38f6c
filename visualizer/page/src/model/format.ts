/** `43 s`, `3 min 12 s`, `2 h 5 min`, `3 d 4 h`: two units at most. */
export function duration(ms: number): string {
  const seconds = Math.max(0, Math.round(ms / 1000))
  if (seconds < 60) return `${seconds} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return join(minutes, 'min', seconds % 60, 's')
  const hours = Math.floor(minutes / 60)
  if (hours < 24) return join(hours, 'h', minutes % 60, 'min')
  return join(Math.floor(hours / 24), 'd', hours % 24, 'h')
}

/** The time that is left, rounded up: it is never 0 while the delay runs. */
export function countdown(ms: number): string {
  return ms <= 0 ? 'now' : duration(Math.ceil(ms / 1000) * 1000)
}

/** A running delay, in milliseconds since 1970. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** How much of a delay is left. `now` may be older than the start of the delay, so the result is at most the whole delay. */
export function remaining({ start, end }: Span, now: number): number {
  return Math.min(end - now, end - start)
}

/** A delay with one unit, such as `250 ms`, `4.2 s` or `2 min`. */
export function shortDelay(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`
  return ms < 60_000 ? `${+(ms / 1000).toFixed(1)} s` : duration(ms)
}

export function clock(time: number): string {
  return new Date(time).toLocaleTimeString(undefined, { hour12: false })
}

export function clockMs(time: number): string {
  return `${clock(time)}.${String(new Date(time).getMilliseconds()).padStart(3, '0')}`
}

/** A time of day, with the date if it is not today. */
export function when(time: number, now: number): string {
  const date = new Date(time)
  if (date.toDateString() === new Date(now).toDateString()) return clock(time)
  return `${date.toLocaleDateString(undefined, { day: 'numeric', month: 'short' })}, ${clock(time)}`
}

/** Such as `28 Nov 2026, 18:05:12`. */
export function dayAndTime(time: number): string {
  return `${new Date(time).toLocaleDateString(undefined, { day: 'numeric', month: 'short', year: 'numeric' })}, ${clock(time)}`
}

export function percent(ratio: number): string {
  if (ratio >= 1) return '100 %'
  return `${(Math.floor(ratio * 10_000) / 100).toFixed(ratio > 0.99 ? 2 : 1)} %`
}

export function bytes(count: number): string {
  if (count < 1000) return `${count} B`
  return count < 1_000_000 ? `${(count / 1000).toFixed(1)} kB` : `${(count / 1_000_000).toFixed(1)} MB`
}

/** Characters that would hide, reorder or break text. Topics and errors may contain any of them. */
// oxlint-disable-next-line no-control-regex
const UNSHOWABLE = /[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g

/** Makes text from other processes safe to show: one line of limited length. */
export function shown(text: unknown, limit = 300): string {
  const line = String(text).replaceAll(UNSHOWABLE, '␣')
  return line.length > limit ? `${line.slice(0, limit)}…` : line
}

function join(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`
}
