import { MAX_DELAY } from '../../machines/policy/backoff.ts'
import type { Effect } from '../../src/recorder/format.ts'

/** Describes what the machine did in a step: the state after it, and each thing that it did. */
export function inWords({ state, does }: { readonly state: string; readonly does: readonly Effect[] }): string[] {
  return [state, ...does.map(effectInWords)]
}

function effectInWords(effect: Effect): string {
  if ('start' in effect) return `starts ${effect.start}${details(effect.with ?? {})}`
  if ('stop' in effect) return `stops ${effect.stop}`
  if ('send' in effect) return `sends ${effect.send} to ${effect.to}`
  if ('timer' in effect) return `waits ${durationInWords(effect.delay)}: ${effect.timer}`
  if ('call' in effect) return `calls ${effect.call}`
  const { type, ...fields } = effect.emit
  return `emits ${type}${details(fields)}`
}

function details(fields: Readonly<Record<string, unknown>>): string {
  const shown = Object.entries(fields).map(([name, value]) => `${name} ${valueInWords(value)}`)
  return shown.length > 0 ? `: ${shown.join(', ')}` : ''
}

/** Of a failure, everything in one line, such as `closed beforeConnack`. */
function valueInWords(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value)
  return Object.entries(value)
    .map(([name, each]) => (each === true ? name : valueInWords(each)))
    .join(' ')
}

function durationInWords(delay: number): string {
  return delay >= MAX_DELAY ? 'for ever' : `${delay} ms`
}
