import type { SnapshotFrom } from 'xstate'

import type { connectionMachine } from '../../machines/connection/machine.ts'
import type { ClientStatus } from '../api/status.ts'
import type { Session } from '../session/session.ts'
import type { Observer } from './observer.ts'

/** The status of a client now. */
export function clientStatus(
  name: string | undefined,
  { context }: SnapshotFrom<typeof connectionMachine>,
  { state, since }: Pick<Observer, 'state' | 'since'>,
  session: Session,
): ClientStatus {
  const { attempt, cycle, retryAt, admission, failure, counters } = context
  const { outbox, inbox, subscriptions } = session.status
  return {
    name,
    state,
    since,
    server: session.peer?.server,
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
  }
}
