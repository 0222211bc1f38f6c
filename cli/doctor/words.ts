import type { Failure } from '../../machines/failure.ts'
import { describeFailure } from '../../src/api/describe-failure.ts'
import { count } from '../count.ts'

/** A failure in words. `describeFailure` says of a time limit that the whole attempt of a client took too long. */
export function inWords(failure: Failure): string {
  return failure.kind === 'timeout' ? 'no answer came in time' : describeFailure(failure)
}

/** Milliseconds for sentences: `0.4 ms`, `12 ms`, `1.5 s`. */
export function span(milliseconds: number): string {
  if (milliseconds >= 1_000) return `${(milliseconds / 1_000).toLocaleString('en', { maximumFractionDigits: 1 })} s`
  return `${milliseconds.toLocaleString('en', { maximumFractionDigits: milliseconds < 10 ? 1 : 0 })} ms`
}

/** Bytes for sentences: `512 bytes`, `64 KiB`, `1.5 MiB`. */
export function size(bytes: number): string {
  if (bytes < 1_024) return count(bytes, 'byte')
  const [amount, unit, digits] = bytes < 1_048_576 ? [bytes / 1_024, 'KiB', 1] : [bytes / 1_048_576, 'MiB', 2]
  return `${amount.toLocaleString('en', { maximumFractionDigits: digits })} ${unit}`
}

/** A day and a time of UTC. */
export function date(time: number): string {
  return `${new Date(time).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}
