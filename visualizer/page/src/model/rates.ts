import type { Sample } from './types.ts'

/** A rate in messages per second, from `start` to `end`. */
export interface Rate {
  readonly start: number
  readonly end: number
  readonly rate: number
}

/** The rates between each two samples that overlap the given time. There is no rate before the first and after the last. */
export function ratesOf(samples: readonly Sample[], from: number, to: number): Rate[] {
  const rates: Rate[] = []
  for (const [index, { time, total }] of samples.entries()) {
    const before = samples[index - 1]
    if (!before || time <= before.time || time < from || before.time > to) continue
    // A new client counts from zero again.
    const messages = total < before.total ? total : total - before.total
    rates.push({ start: before.time, end: time, rate: (messages * 1000) / (time - before.time) })
  }
  return rates
}

/** A rate as text, such as `0.25/s`, `7.3/s` or `1,204/s`. */
export function rateWords(rate: number): string {
  const digits = rate < 1 ? 2 : 1
  return `${rate >= 100 ? Math.round(rate).toLocaleString('en') : +rate.toFixed(digits)}/s`
}
