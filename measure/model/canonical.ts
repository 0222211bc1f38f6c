import { noCounters } from '../../machines/connection/context.ts'
import type { ConnectionContext } from '../../machines/connection/types.ts'
import { NOW } from './environment.ts'
import { withContext, type Snapshot, type State } from './runner.ts'

/**
 * Returns the state without what no decision depends on: totals, texts and exact times. Without this the number of states
 * would be infinite. Properties that the model does not know are kept, so that a new one that grows shows itself.
 */
export function canonical(snapshot: Snapshot): Snapshot {
  const { context } = snapshot
  const { config, failure, credentials, server, renewals, closesBeforeConnack } = context
  return withContext(snapshot, {
    counters: noCounters,
    generation: 1,
    delay: 0,
    retryAt: once(context.retryAt),
    openedAt: once(context.openedAt),
    unprovenSince: once(context.unprovenSince),
    interruptedAt: once(context.interruptedAt),
    failure: failure && { kind: 'closed' },
    refreshReason: 'initial',
    // It shortens the time between the renewal and the expiry, which the model does not measure.
    credentials: { ...credentials, lifetime: null },
    renewals: Math.min(renewals, 1),
    closesBeforeConnack: Math.min(closesBeforeConnack, config.refreshAfterCloses),
    server: {
      ...server,
      index: 0,
      opened: null,
      chosenAt: once(server.chosenAt),
      redirectedAt: once(server.redirectedAt),
    },
    servers: context.servers.map((each) => ({
      ...each,
      attempts: 0,
      connects: 0,
      failures: 0,
      lastFailure: null,
      connectTime: null,
    })),
    restore: { done: 0, total: 0 },
    periodic: context.periodic,
  } satisfies Partial<ConnectionContext>)
}

/** Returns a text that is equal for equal states. */
export function keyOf({ snapshot: { value, context }, world }: State): string {
  const { config: _, ...rest } = context
  return JSON.stringify([value, rest, world])
}

/** Only whether there was such a moment matters. */
function once(time: number | null): number | null {
  return time === null ? null : NOW
}
