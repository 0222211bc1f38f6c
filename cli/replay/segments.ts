import type { Checkpoint, Step } from '../../src/recorder/format.ts'
import type { Recording } from '../../testing/replay/read-recording.ts'

/** Lines without a gap, which can be replayed from their first checkpoint on. */
export interface Segment {
  readonly first: Checkpoint
  readonly lines: readonly (Step | Checkpoint)[]
}

/** Cuts a recording where lines are missing, or where an error ended the machine. Parts without a step are left out. */
export function segmentsOf({ lines }: Recording): Segment[] {
  const segments: { first: Checkpoint; lines: (Step | Checkpoint)[] }[] = []
  let current: (typeof segments)[number] | undefined
  for (const line of lines) {
    if (line.type === 'step' || (line.type === 'checkpoint' && current)) current?.lines.push(line)
    else if (line.type === 'checkpoint') segments.push((current = { first: line, lines: [] }))
    else current = undefined
  }
  return segments.filter(({ lines: each }) => each.some(({ type }) => type === 'step'))
}
