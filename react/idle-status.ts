import type { ClientStatus } from '../src/index.ts'

/** What components show on a server, and in the browser until React has hydrated its page: a client at rest. */
export function idleStatus(name: string | undefined): ClientStatus {
  return { ...idle, name }
}

const idle: ClientStatus = {
  name: undefined,
  state: 'idle',
  since: 0,
  server: undefined,
  servers: [],
  clientId: undefined,
  attempt: 0,
  cycle: 0,
  nextRetryAt: null,
  admission: 'none',
  lastFailure: null,
  broker: undefined,
  counters: {
    connects: 0,
    interruptions: 0,
    failedAttempts: 0,
    cycles: 0,
    tokenRefreshes: 0,
    failedTokenRefreshes: 0,
    reauthentications: 0,
    failedReauthentications: 0,
    redirects: 0,
  },
  outbox: { size: 0, bytes: 0, waitingSince: null, inFlight: 0, suspended: 0, quarantined: 0, rate: null },
  inbox: {
    heldBack: 0,
    heldBackSince: null,
    unclaimed: 0,
    unprocessed: 0,
    unprocessedBytes: 0,
    waiting: 0,
    dropped: 0,
    paused: false,
  },
  subscriptions: { wanted: 0, held: 0, refused: 0, suspended: 0, paused: 0 },
  traffic: { sent: 0, received: 0 },
}
