import { isThenable } from '../shared/thenable.ts'
import type { RecordingTarget } from './sink.ts'

/** Calls a function of the application with each line. It decides itself what it keeps. */
export function functionTarget(write: (line: string) => unknown): RecordingTarget {
  return {
    limits: { bytes: Number.POSITIVE_INFINITY, age: Number.POSITIVE_INFINITY, lines: 1 },
    open: async () => undefined,
    rotate: async () => {},
    async write(lines) {
      for (const line of lines) {
        const written = write(line.slice(0, -1))
        if (isThenable(written)) await written
      }
    },
  }
}
