import { MAX_DELAY } from '../machines/policy/backoff.ts'
import { UsageError } from './command.ts'

const units = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/**
 * Parses a duration such as `250ms`, `1.5s`, `5m`, `2h` or `1d`, or a number of milliseconds.
 *
 * @returns milliseconds
 * @throws {UsageError}
 */
export function parseDuration(flag: string, text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?|\.\d+)\s*(ms|s|m|h|d)?$/.exec(text.trim()) ?? []
  if (digits === undefined) {
    throw new UsageError(`${flag} must be a duration such as 300s, 5m or 120000 (milliseconds), got '${text}'`)
  }
  return Number(digits) * units[(unit ?? 'ms') as keyof typeof units]
}

/**
 * Parses a duration, of which a number without a unit is seconds, as in MQTT and in mosquitto_sub.
 *
 * @returns milliseconds
 * @throws {UsageError}
 */
export function parseSeconds(flag: string, text: string): number {
  if (/^(\d+(?:\.\d+)?|\.\d+)$/.test(text.trim())) return Number(text) * units.s
  try {
    return parseDuration(flag, text)
  } catch {
    throw new UsageError(`${flag} must be a duration such as 30 (seconds), 500ms or 5m, got '${text}'`)
  }
}

/**
 * Parses the time of a timer, like `parseSeconds`.
 *
 * @returns milliseconds
 * @throws {UsageError} also for a time that Node's timers can't wait: they would fire at once
 */
export function parseTimer(flag: string, text: string): number {
  const time = parseSeconds(flag, text)
  if (time <= MAX_DELAY) return time
  throw new UsageError(`${flag} must be at most 24d, got '${text}'`)
}

/**
 * Parses a whole number or `Infinity`.
 *
 * @throws {UsageError}
 */
export function parseCount(flag: string, text: string): number {
  if (/^(infinity|unlimited)$/i.test(text)) return Number.POSITIVE_INFINITY
  if (/^\d+$/.test(text)) return Number(text)
  throw new UsageError(`${flag} must be a whole number, or Infinity, got '${text}'`)
}

/** A duration in seconds, for tables: `0.75 s`, `12,811 s`. From 100 s on it has no decimals. */
export function inSeconds(milliseconds: number): string {
  const seconds = milliseconds / 1_000
  return `${seconds.toLocaleString('en', { maximumFractionDigits: seconds >= 100 ? 0 : 2 })} s`
}

/** A duration with at most two units, for sentences: `6 min 5 s`, `3 h 34 min`. */
export function inWords(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1_000)
  if (seconds < 60) return inSeconds(milliseconds)
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'min'],
    [seconds % 60, 's'],
  ] as const
  const first = parts.findIndex(([amount]) => amount > 0)
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount} ${unit}`)
    .join(' ')
}
