import type { SnapshotFrom } from 'xstate'

import type { connectionMachine } from '../../machines/connection/machine.ts'
import type { ConnectionContext } from '../../machines/connection/types.ts'
import { isCooling } from '../../machines/policy/servers.ts'
import type { ClientStatus, ServerStatus } from '../api/status.ts'
import type { ClientConfig } from '../config/client-config.ts'
import type { Session } from '../session/session.ts'
import type { Observer } from './observer.ts'

/** The status of a client now. @param now - in milliseconds since 1970 */
export function clientStatus(
  { name, now }: Pick<ClientConfig, 'name' | 'now'>,
  { context }: SnapshotFrom<typeof connectionMachine>,
  { state, since }: Pick<Observer, 'state' | 'since'>,
  session: Session,
): ClientStatus {
  const { attempt, cycle, retryAt, admission, failure, counters } = context
  const { outbox, inbox, subscriptions, traffic } = session.status
  return {
    name,
    state,
    since,
    server: session.peer?.server,
    servers: serverStatus(context, now),
    clientId: session.peer?.clientId,
    attempt,
    cycle,
    nextRetryAt: retryAt,
    admission,
    lastFailure: failure,
    broker: session.broker,
    counters,
    outbox,
    inbox,
    subscriptions,
    traffic,
  }
}

function serverStatus({ servers, server, transport, config }: ConnectionContext, now: () => number): ServerStatus[] {
  const time = timeOf(now)
  const inUse = transport && server.redirect === null && server.chosenAt !== null ? server.current : null
  return servers.map((health) => {
    if (health.server === inUse) return { ...health, state: 'in-use' }
    return { ...health, state: isCooling(health, config.failover, time) ? 'cooling-down' : 'available' }
  })
}

/** The status can be read although the application's `now` throws. No server cools down then. */
function timeOf(now: () => number): number {
  try {
    return now()
  } catch {
    return Number.POSITIVE_INFINITY
  }
}
