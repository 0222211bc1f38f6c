import { spreadOf, type Spread } from '../lab/statistics.ts'
import type { Contender, MetricRule, Row } from './rows/row.ts'
import type { Metrics } from './work/index.ts'

/** The result for one metric of one case. Ratios are ours ÷ theirs, within the same round. */
export interface Figure {
  readonly unit: string
  readonly values: Readonly<Record<string, Spread>>
  readonly ratios: Readonly<Record<string, Spread>>
  readonly target: string | null
  readonly met: boolean | null
}

/** The results by row, case and metric. */
export type Figures = Readonly<Record<string, Readonly<Record<string, Readonly<Record<string, Figure>>>>>>

/**
 * Summarizes the rounds of one case.
 *
 * @param measured - the results of each round, by contender
 * @param judged - whether the row's targets apply
 */
export function summarize(
  { metrics }: Row,
  measured: ReadonlyMap<Contender, readonly Metrics[]>,
  judged = true,
): Readonly<Record<string, Figure>> {
  const figures: Record<string, Figure> = {}
  for (const [metric, rule] of Object.entries(metrics)) {
    const values: Record<string, Spread> = {}
    const ratios: Record<string, Spread> = {}
    const ours = (measured.get('ours') ?? []).map((measurement) => measurement[metric] ?? Number.NaN)
    for (const [contender, rounds] of measured) {
      const theirs = rounds.map((measurement) => measurement[metric]).filter((value) => value !== undefined)
      if (theirs.length === 0) continue
      values[contender] = spreadOf(theirs)
      if (contender !== 'ours') ratios[contender] = spreadOf(theirs.map((value, i) => (ours[i] ?? Number.NaN) / value))
    }
    figures[metric] = { unit: rule.unit, values, ratios, ...(judged ? judge(rule, values, ratios) : NOT_JUDGED) }
  }
  return figures
}

/** One line of the printed report. */
export function lineOf(name: string, metric: string, { unit, values, ratios, target, met }: Figure): string {
  const all = Object.entries(values).map(([contender, { median }]) => `${contender} ${rounded(median)}`)
  const each = Object.entries(ratios).map(
    ([contender, { median, min, max }]) => `÷ ${contender} ${rounded(median)} (${rounded(min)} to ${rounded(max)})`,
  )
  const verdict = target === null ? '' : `  ${met ? '✓' : '✗'} ${target}`
  const measured = `${[name, metric].filter(Boolean).join(' ')}: ${all.join(', ')} ${unit}`
  return `  ${[measured, ...each].join('; ')}${verdict}`
}

/** A number with three significant digits; from 100 on, a whole number. */
export function rounded(value: number): string {
  return Math.abs(value) >= 100 ? Math.round(value).toLocaleString('en') : String(Number(value.toPrecision(3)))
}

const NOT_JUDGED = { target: null, met: null }

function judge(rule: MetricRule, values: Figure['values'], ratios: Figure['ratios']) {
  const { better, ratio, against = 'mqttjs', atMost } = rule
  const measured = ratios[against]
  if (ratio !== undefined && measured) {
    const { median } = measured
    const sign = better === 'more' ? '≥' : '≤'
    const theirs = against === 'mqttjs' ? 'MQTT.js' : against
    return {
      target: `${sign} ${rounded(ratio)} × ${theirs}`,
      met: better === 'more' ? median >= ratio : median <= ratio,
    }
  }
  if (atMost !== undefined && values['ours']) {
    return { target: `≤ ${atMost.toLocaleString('en')}`, met: values['ours'].median <= atMost }
  }
  return NOT_JUDGED
}
