import { rows } from './rows/index.ts'
import type { Case, Contender, Row } from './rows/row.ts'

export interface Selection {
  readonly names: readonly string[]
  /** The contenders that are wanted and can take part on this machine. */
  readonly contenders: readonly Contender[]
  readonly full: boolean
}

/**
 * The rows that are measured, with only those cases and contenders that are measured.
 *
 * @param onMissing - called with each case that this machine cannot measure
 */
export function selectRows(
  { names, contenders, full }: Selection,
  onMissing: (name: string, reason: string) => void = () => {},
  from: Readonly<Record<string, Row>> = rows,
): ReadonlyMap<string, Row> {
  const selected = new Map<string, Row>()
  for (const name of names) {
    const row = from[name]
    if (!row) continue
    const cases: Case[] = []
    for (const each of row.cases) {
      const taking = each.contenders.filter((contender) => contenders.includes(contender))
      if (taking.length === 0 || (each.full && !full)) continue
      const reason = each.missing?.()
      if (reason === undefined) cases.push({ ...each, contenders: taking })
      else onMissing(`${name} ${each.name}`, reason)
    }
    if (cases.length > 0) selected.set(name, { ...row, cases })
  }
  return selected
}
