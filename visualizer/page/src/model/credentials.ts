import { connectionConfig } from '../../../../machines/config.ts'
import { needsCredentials, refreshesInThisCycle } from '../../../../machines/connection/guards.ts'
import type { ConnectionContext } from '../../../../machines/connection/types.ts'
import type { Fields } from '../../../shared/json.ts'
import { fields, number } from './state.ts'

/** Whether an attempt at `time` begins with new credentials, as the machine's own guards decide it. */
export function renewsCredentials(shown: Fields, state: string, time: number): boolean {
  const context = contextAt(shown, time)
  return (state === 'recovering' && refreshesInThisCycle(context)) || needsCredentials(context)
}

/** The part of a context that the guards read, from its JSON. */
function contextAt({ config, credentials, cycle, disposition }: Fields, time: number) {
  const { canRefresh, refreshBefore, recovery } = fields(config)
  const { status, expiresAt, lifetime } = fields(credentials)
  return {
    config: connectionConfig({
      canRefresh: canRefresh === true,
      refreshBefore: number(refreshBefore) ?? 0,
      recovery: { refreshTokenEvery: number(fields(recovery).refreshTokenEvery) ?? 0 },
      now: () => time,
    }),
    credentials: {
      status: status as ConnectionContext['credentials']['status'],
      expiresAt: number(expiresAt),
      lifetime: number(lifetime),
    },
    cycle: number(cycle) ?? 0,
    disposition: disposition as ConnectionContext['disposition'],
  }
}
