import { fields, number } from './state.ts'
import type { Fields } from './types.ts'

/**
 * Whether an attempt at `time` begins with new credentials: the machine's guards `refreshesInThisCycle` and
 * `needsCredentials`, over what is shown of its context.
 */
export function renewsCredentials(context: Fields, state: string, time: number): boolean {
  const config = fields(context.config)
  if (config.canRefresh !== true) return false
  if (state === 'recovering' && (context.disposition === 'refresh' || isItsTurn(context))) return true
  const { status } = fields(context.credentials)
  return status === 'missing' || status === 'refused' || isExpiring(context, time)
}

function isItsTurn({ config, cycle }: Fields): boolean {
  const every = number(fields(fields(config).recovery).refreshTokenEvery) ?? 0
  return every > 0 && (number(cycle) ?? 0) % every === 0
}

function isExpiring({ config, credentials }: Fields, time: number): boolean {
  const { expiresAt, lifetime } = fields(credentials)
  const [expiry, whole] = [number(expiresAt), number(lifetime)]
  if (expiry === null) return false
  const configured = number(fields(config).refreshBefore) ?? 0
  return time >= expiry - (whole === null ? configured : Math.min(configured, Math.max(0, whole) / 10))
}
