/** A part of a recording that the timeline shows, in milliseconds since 1970. */
export interface Window {
  readonly left: number
  readonly span: number
}

interface Range {
  readonly from: number
  readonly until: number
}

const SHORTEST = 10_000
/** So that the last moment is not at the very edge. */
const MARGIN = 0.01

export function wholeOf({ from, until }: Range): Window {
  const span = Math.max(SHORTEST, (until - from) * (1 + 2 * MARGIN))
  return { left: from - (span - (until - from)) / 2, span }
}

/** Shows less or more, around a moment. */
export function zoomed({ left, span }: Window, factor: number, time: number, range: Range): Window {
  const whole = wholeOf(range)
  const next = Math.min(whole.span, Math.max(SHORTEST, span * factor))
  const where = Math.min(1, Math.max(0, (time - left) / span))
  return within({ left: time - next * where, span: next }, range)
}

/** Moves to a moment only if it is out of sight: a picture that always moves is hard to read. */
export function following(window: Window, time: number, range: Range): Window {
  const { left, span } = window
  if (time >= left && time <= left + span) return window
  return within({ left: time - span / 2, span }, range)
}

/** The window around a moment. */
export function around(time: number, span: number, range: Range): Window {
  return within({ left: time - span / 2, span: Math.min(span, wholeOf(range).span) }, range)
}

function within({ left, span }: Window, range: Range): Window {
  const whole = wholeOf(range)
  const last = whole.left + whole.span - span
  return { left: Math.min(last, Math.max(whole.left, left)), span }
}
