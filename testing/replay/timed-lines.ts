import type { ClientLine } from './read-recording.ts'

export interface TimedLine {
  readonly line: ClientLine
  /** On the wall clock, in milliseconds since 1970. */
  readonly at: number
}

/** Returns when each line of a client was written, by the checkpoint before it. A gap has the time of the line before it. */
export function timedLines(lines: readonly ClientLine[]): TimedLine[] {
  let epoch = 0
  let last = 0
  return lines.map((line) => {
    if (line.type === 'checkpoint') epoch = line.now - line.t
    if (line.type !== 'gap') last = epoch + line.t
    return { line, at: last }
  })
}
