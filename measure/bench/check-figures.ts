import type { Figures } from './figures.ts'
import { rows } from './rows.ts'

/**
 * Lists the figures that are missing from a report or are not numbers. It does not judge how fast anything is.
 *
 * @param names - the requested rows
 * @param present - the contenders that can take part on this machine
 */
export function problemsOf(figures: Figures, names: readonly string[], present: readonly string[]): string[] {
  return names.flatMap((name) => {
    const row = rows[name]
    if (!row) return [`${name} is not a row`]
    return row.cases.flatMap((each) => {
      const byMetric = figures[name]?.[each.name || 'all'] ?? {}
      const at = [name, each.name].filter(Boolean).join(' ')
      const contenders = each.contenders.filter((contender) => present.includes(contender))
      return [
        ...Object.keys(row.metrics).flatMap((metric) => missingOf(byMetric[metric], `${at} ${metric}`)),
        ...contenders
          .filter((contender) => !Object.values(byMetric).some(({ values }) => contender in values))
          .map((contender) => `${at}: ${contender} is missing`),
      ]
    })
  })
}

function missingOf(figure: Figures[string][string][string] | undefined, at: string): string[] {
  if (!figure?.values['ours']) return [`${at} is missing`]
  return [...Object.entries(figure.values), ...Object.entries(figure.ratios)].flatMap(([contender, spread]) =>
    [spread.median, spread.min, spread.max].every(Number.isFinite) ? [] : [`${at} of ${contender} is not a number`],
  )
}
