import { rows } from './rows/index.ts'
import type { Contender, Row } from './rows/row.ts'

export interface Selection {
  readonly names: readonly string[]
  /** The contenders that are wanted and can take part on this machine. */
  readonly contenders: readonly Contender[]
  readonly full: boolean
}

/** The rows that are measured, with only those cases and contenders that are measured. */
export function selectRows({ names, contenders, full }: Selection): ReadonlyMap<string, Row> {
  const selected = new Map<string, Row>()
  for (const name of names) {
    const row = rows[name]
    if (!row) continue
    const cases = row.cases
      .filter((each) => full || !each.full)
      .map((each) => ({ ...each, contenders: each.contenders.filter((contender) => contenders.includes(contender)) }))
      .filter((each) => each.contenders.length > 0)
    if (cases.length > 0) selected.set(name, { ...row, cases })
  }
  return selected
}
