import type { Sample } from './types.ts'

/** So many messages a second, from `start` to `end`. */
export interface Rate {
  readonly start: number
  readonly end: number
  readonly rate: number
}

/** What flowed between two samples each, as far as it is in sight. Before the first and after the last nothing is known to have flowed. */
export function ratesOf(samples: readonly Sample[], from: number, to: number): Rate[] {
  const rates: Rate[] = []
  for (const [index, { time, total }] of samples.entries()) {
    const before = samples[index - 1]
    if (!before || time <= before.time || time < from || before.time > to) continue
    // A client that was made anew counts from zero.
    const messages = total < before.total ? total : total - before.total
    rates.push({ start: before.time, end: time, rate: (messages * 1000) / (time - before.time) })
  }
  return rates
}

/** `0.25`, `7.3`, `1,204` a second. */
export function rateWords(rate: number): string {
  const digits = rate < 1 ? 2 : 1
  return `${rate >= 100 ? Math.round(rate).toLocaleString('en') : +rate.toFixed(digits)}/s`
}
