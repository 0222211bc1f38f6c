import type { Figure, Figures } from './figures.ts'
import type { Case, Row } from './rows/row.ts'

/**
 * Lists the figures that are missing from a report or are not numbers. It does not judge how fast anything is.
 *
 * @param rows - the rows that were to be measured
 */
export function problemsOf(figures: Figures, rows: ReadonlyMap<string, Row>): string[] {
  return [...rows].flatMap(([name, row]) =>
    row.cases.flatMap((each) => {
      const byMetric = figures[name]?.[each.name || 'all'] ?? {}
      const at = [name, each.name].filter(Boolean).join(' ')
      return [
        ...Object.keys(row.metrics).flatMap((metric) => missingOf(byMetric[metric], each, `${at} ${metric}`)),
        ...each.contenders
          .filter((contender) => !Object.values(byMetric).some(({ values }) => contender in values))
          .map((contender) => `${at}: ${contender} is missing`),
      ]
    }),
  )
}

/** Some metrics are those of our client only, so the others may lack them. */
function missingOf(figure: Figure | undefined, { contenders }: Case, at: string): string[] {
  if (!figure || (contenders.includes('ours') && !figure.values['ours'])) return [`${at} is missing`]
  return [...Object.entries(figure.values), ...Object.entries(figure.ratios)].flatMap(([contender, spread]) =>
    [spread.median, spread.min, spread.max].every(Number.isFinite) ? [] : [`${at} of ${contender} is not a number`],
  )
}
