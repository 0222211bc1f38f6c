import { count } from '../count.ts'
import type { Diagnosis } from './examination.ts'
import type { Finding, Level } from './finding.ts'

/**
 * - `well`: everything that was checked works, and nothing should be changed
 * - `warnings`: it works, and something should be changed
 * - `faults`: a client does not get a connection, or may not do what was asked with `--subscribe` or `--publish`
 * - `interrupted`: Ctrl-C came before a fault was found
 */
export type Verdict = 'well' | 'warnings' | 'faults' | 'interrupted'

export const exitCodes: Readonly<Record<Verdict, number>> = { well: 0, warnings: 1, faults: 2, interrupted: 130 }

export function verdictOf({ findings, isInterrupted }: Pick<Diagnosis, 'findings' | 'isInterrupted'>): Verdict {
  if (amountOf(findings, 'fault') > 0) return 'faults'
  if (isInterrupted) return 'interrupted'
  return amountOf(findings, 'warning') > 0 ? 'warnings' : 'well'
}

export function verdictInWords(diagnosis: Pick<Diagnosis, 'findings' | 'isInterrupted'>): string {
  const { findings } = diagnosis
  const amount = amountOf(findings, 'warning')
  const warnings = count(amount, 'warning')
  switch (verdictOf(diagnosis)) {
    case 'well':
      return 'All is well.'
    case 'warnings':
      return `It works, with ${warnings}.`
    case 'faults':
      return `It does not work: ${count(amountOf(findings, 'fault'), 'fault')}${amount > 0 ? `, ${warnings}` : ''}.`
    case 'interrupted':
      return `Interrupted. No fault was found until then${amount > 0 ? `, and ${warnings}` : ''}.`
  }
}

function amountOf(findings: readonly Finding[], level: Level): number {
  return findings.filter((finding) => finding.level === level).length
}
