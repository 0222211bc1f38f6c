import type { Figures } from './figures.ts'
import { rows } from './rows.ts'

/**
 * What a report lacks, or holds that is no figure. A timing is never wrong here.
 *
 * @param names - the rows that were asked for
 * @param present - the contenders that could take part
 */
export function problemsOf(figures: Figures, names: readonly string[], present: readonly string[]): string[] {
  return names.flatMap((name) => {
    const row = rows[name]
    if (!row) return [`${name} is no row`]
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
