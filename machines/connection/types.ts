import type { ConnectionConfig } from '../config.ts'
import type { Disposition, Failure } from '../failure.ts'
import type { ServerHealth } from '../policy/servers.ts'

/** Why new credentials are needed. */
export type RefreshReason =
  /** There are no credentials yet. */
  | 'initial'
  /** The credentials are about to expire. */
  | 'expiring'
  /** The broker refused the credentials. */
  | 'refused'
  /** The recovery policy requires new credentials in this cycle. */
  | 'cycle'
  /** `recover()` was called. */
  | 'requested'

/** What the machine knows about the credentials. It never has the credentials themselves. */
export interface CredentialsState {
  /**
   * - `none`: there is no source
   * - `missing`: not obtained yet
   * - `fresh`: obtained, but not yet proven by a stable connection
   * - `proven`: used by a stable connection
   * - `refused`: refused by the broker
   */
  readonly status: 'none' | 'missing' | 'fresh' | 'proven' | 'refused'
  /** In milliseconds since 1970; `null` if the source did not return it. */
  readonly expiresAt: number | null
  /** The time from obtaining the credentials to their expiry, in milliseconds. */
  readonly lifetime: number | null
}

/** The server of the next attempt. */
export interface ServerChoice {
  /** The position in the server list. It only grows; the transport takes it modulo the length of the list. */
  readonly index: number
  /** A Server Reference that replaces the list until a connection to it fails. */
  readonly redirect: string | null
  /** Number of redirects in a row. */
  readonly hops: number
  /** When the last of them was followed, in milliseconds since 1970; `null` outside a row of redirects. */
  readonly redirectedAt: number | null
  /** The servers of a row of redirects, as scheme, host and port. The client follows no redirect back to one of them. */
  readonly visited: readonly string[]
  /** The entry of `servers` that was chosen last; `null` if another one has to be chosen. */
  readonly current: string | null
  /** Where the last attempt went, as scheme, host and port; `null` if the transport has not reported that. */
  readonly address: string | null
  /** Whether this is the place that the server has moved to. */
  readonly moved: boolean
  /** When the server of the attempt was chosen, in milliseconds since 1970; `null` if it is not chosen yet. */
  readonly chosenAt: number | null
  /** Where the last connection was opened, as scheme, host and port. */
  readonly opened: string | null
}

/** Why a Server Reference was not followed. */
export type RedirectRefusal =
  /** The option `redirect.allow` does not allow it, or it names no server. */
  | 'not-allowed'
  /** It leads back to a server of the same row of redirects. */
  | 'loop'
  /** There were `redirect.maxHops` redirects in a row. */
  | 'max-hops'

/** The transport has chosen the server of its attempt. */
export interface ServerChosen {
  readonly type: 'server.chosen'
  /** The chosen entry of `servers`. */
  readonly current: string
  /** Where the attempt goes, as scheme, host and port. */
  readonly address: string
  /** Whether this is the place that the server has moved to. */
  readonly moved: boolean
  /** The server list, as it is now. */
  readonly servers: readonly ServerHealth[]
}

/** Totals since the actor started. */
export interface ConnectionCounters {
  /** Connections that were opened (CONNACK with success). */
  readonly connects: number
  /** Open connections that were lost. */
  readonly interruptions: number
  /** Attempts that failed before a CONNACK with success. */
  readonly failedAttempts: number
  /** Recovery cycles that began. */
  readonly cycles: number
  readonly tokenRefreshes: number
  readonly failedTokenRefreshes: number
  /** Credentials that were renewed on an open connection. */
  readonly reauthentications: number
  /** Renewals on an open connection that failed. A planned replacement of the connection followed. */
  readonly failedReauthentications: number
  readonly redirects: number
}

/** The progress of restoring subscriptions. */
export interface RestoreProgress {
  readonly done: number
  readonly total: number
}

/** What the connection machine remembers. It is plain data, and survives JSON. Times are in milliseconds since 1970. */
export interface ConnectionContext {
  readonly config: ConnectionConfig
  /** Reconnect attempts since the last stable connection. */
  readonly attempt: number
  /** Recovery cycles since the last stable connection. */
  readonly cycle: number
  /** Whether a WAKE advanced the current attempt or cycle, which is then not counted if it fails. */
  readonly woken: boolean
  /** The current delay, or the last one, in milliseconds. */
  readonly delay: number
  /** When the current delay ends, in milliseconds since 1970; `null` outside the waiting states. */
  readonly retryAt: number | null
  /** The last failure. */
  readonly failure: Failure | null
  /** The disposition of the last failure. */
  readonly disposition: Disposition | null
  readonly credentials: CredentialsState
  readonly refreshReason: RefreshReason
  /** How many WebSocket connections in a row were closed before the CONNACK, since the last new credentials. */
  readonly closesBeforeConnack: number
  /** Number of refreshes in a row that failed, or returned a token that is due again immediately. */
  readonly renewals: number
  readonly server: ServerChoice
  /** What is known of the servers of the list; empty until the transport has reported the list. */
  readonly servers: readonly ServerHealth[]
  /** Grows whenever the client is recreated, and after a TLS failure: options and server list are then evaluated again. */
  readonly generation: number
  /**
   * Whether the gate has admitted the attempt:
   *
   * - `none`: there is no gate, or no attempt
   * - `awaited`: the gate was asked, and no connection is opened or replaced before it answers
   * - `granted`: the gate has admitted the attempt, and is notified when the attempt has ended
   */
  readonly admission: 'none' | 'awaited' | 'granted'
  /** Whether the gate was asked only because a server with a better priority is available. */
  readonly failingBack: boolean
  /** Whether there is a transport actor, whose connection may be opening, open or closing. */
  readonly transport: boolean
  /** Whether the broker kept the session, according to the last CONNACK. */
  readonly sessionPresent: boolean
  /** Whether credentials may be renewed on the open connection, according to its transport. */
  readonly reauthenticates: boolean
  /**
   * Whether the server renews credentials on an open connection: `refused` if the first try failed. They are then renewed by a
   * planned replacement.
   */
  readonly reauthentication: 'untried' | 'works' | 'refused'
  /** When the connection opened, in milliseconds since 1970; `null` if there is none. */
  readonly openedAt: number | null
  /**
   * When the connection opened that is not yet proven stable, in milliseconds since 1970. A planned replacement does
   * not change it. `null` once the connection is proven or has failed.
   */
  readonly unprovenSince: number | null
  /** When the last open connection ended, in milliseconds since 1970; `null` once a connection is ready again. */
  readonly interruptedAt: number | null
  /** Whether it was closed to be replaced. It counts as an interruption only if its replacement fails. */
  readonly replaced: boolean
  readonly restore: RestoreProgress
  /** The ids of the periodic requests, which are also the ids of their actors. */
  readonly periodic: readonly string[]
  readonly counters: ConnectionCounters
}

/** The transport received a CONNACK with success. */
export interface TransportOpened {
  readonly type: 'transport.opened'
  /** Whether the broker kept the session (MQTT 5 §3.2.2.1.1). */
  readonly sessionPresent: boolean
  /** Whether it takes REAUTHENTICATE: it was opened with an Authentication Method (MQTT 5 §4.12). @default false */
  readonly reauthenticates?: boolean | undefined
}

/** The schedule of a periodic request. Topic and payload stay outside the machine. */
export interface PeriodicSchedule {
  readonly id: string
  /** The time from one request to the next, in milliseconds. */
  readonly interval: number
  /** Spreads each interval by up to this fraction of it, in both directions. */
  readonly jitter: number
  /** How long to wait for the response, in milliseconds; `null` if none is expected. */
  readonly responseTimeout: number | null
}

/** What an application sends to the connection machine. */
export type ConnectionCommand =
  /** Connect, and stay connected. */
  | { readonly type: 'CONNECT' }
  /** Disconnect gracefully, and stay disconnected. */
  | { readonly type: 'DISCONNECT' }
  /** Reset the counters and try immediately. */
  | { readonly type: 'RETRY' }
  /** The network may be back: end the wait without counting an attempt, or probe the open connection. */
  | { readonly type: 'WAKE' }
  /** Do what a recovery cycle does, now: new credentials, new client. */
  | { readonly type: 'RECOVER' }
  /** For tests and drills: cut the open connection without a DISCONNECT, as a broken network does. */
  | { readonly type: 'DROP' }
  | { readonly type: 'PERIODIC.START'; readonly schedule: PeriodicSchedule }
  | { readonly type: 'PERIODIC.STOP'; readonly id: string }

/** The names of the connection machine's top-level states. */
export const connectionStates = [
  'idle',
  'connecting',
  'connected',
  'reconnecting',
  'failed',
  'recovering',
  'refreshingToken',
  'disconnecting',
  'disconnected',
] as const

export type ConnectionStateName = (typeof connectionStates)[number]

/** Sent to a restored machine, which then continues. */
export interface Restored {
  readonly type: 'actor.restored'
  /** The state in which it was persisted. */
  readonly state: ConnectionStateName
  readonly periodic: readonly { readonly schedule: PeriodicSchedule; readonly paused: boolean }[]
}

export type ConnectionFact =
  | TransportOpened
  | ServerChosen
  /** A connection or an attempt ended: exactly one for each transport, unless the machine closed it. */
  | { readonly type: 'transport.failed'; readonly failure: Failure }
  /** The broker has taken the new credentials, after a REAUTHENTICATE. */
  | { readonly type: 'transport.reauthenticated' }
  /** The transport is closed, after a CLOSE. */
  | { readonly type: 'transport.closed' }
  /**
   * The broker has acknowledged a publish, or the connection was open for `stableAfter` and there is nothing to
   * acknowledge. Received messages prove nothing: they may be the reason why the connection ends.
   */
  | { readonly type: 'transport.proven' }
  /** The connection worked, and is about to fail because of one packet, which is suspended. */
  | { readonly type: 'transport.blameless' }
  /** The gate admitted the attempt. */
  | { readonly type: 'admission.granted' }
  /** It is time to check whether a server with a better priority is available. */
  | { readonly type: 'failBack.due' }
  /** The answer to `askQuiet`: nothing waits, and nothing is in flight. */
  | { readonly type: 'session.quiet' }
  /** The answer to `askQuiet`: messages are under way. */
  | { readonly type: 'session.busy' }
  | { readonly type: 'subscriptions.progress'; readonly done: number; readonly total: number }
  | { readonly type: 'subscriptions.restored'; readonly restored: number; readonly refused: number }
  /** The broker did not answer SUBSCRIBE packets. */
  | { readonly type: 'subscriptions.unanswered' }
  | Restored

/** XState reports that an actor threw. */
export type ActorError =
  | { readonly type: 'xstate.error.actor.transport'; readonly error: unknown }
  | { readonly type: 'xstate.error.actor.admission'; readonly error: unknown }
  | { readonly type: 'xstate.error.actor.subscriptions'; readonly error: unknown }

/** Everything that the connection machine receives: commands of the application, and reports of its actors. */
export type ConnectionEvent = ConnectionCommand | ConnectionFact | ActorError

/** The events that the machine emits. */
export type ConnectionEmitted =
  /** The broker has answered `done` of `total` wanted subscriptions. */
  | { readonly type: 'restoring'; readonly done: number; readonly total: number }
  | { readonly type: 'restored'; readonly restored: number; readonly refused: number }
  /** Subscriptions are restored and messages flow. */
  | {
      readonly type: 'connected'
      readonly sessionPresent: boolean
      readonly restored: number
      readonly refused: number
    }
  /** A connection was opened to another server than the one before. Both are scheme, host and port. */
  | { readonly type: 'serverChanged'; readonly from: string; readonly to: string }
  /** The client follows a Server Reference. `permanent`: the server has moved for good (0x9D). */
  | { readonly type: 'redirected'; readonly to: string; readonly permanent: boolean }
  /** The client does not follow the Server Reference of a server that sent it away. */
  | { readonly type: 'redirectIgnored'; readonly serverReference: string; readonly reason: RedirectRefusal }
  /** An open connection was lost. */
  | { readonly type: 'connectionInterrupted'; readonly failure: Failure }
  /** Messages flow again after an interruption of `downtime` milliseconds. */
  | { readonly type: 'connectionResumed'; readonly sessionPresent: boolean; readonly downtime: number }
  | { readonly type: 'reconnectScheduled'; readonly attempt: number; readonly delay: number; readonly failure: Failure }
  /** The fast tier has no attempts left. */
  | { readonly type: 'reconnectionFailed'; readonly attempts: number; readonly failure: Failure }
  /** A recovery cycle begins, and waits for `delay` milliseconds first. */
  | { readonly type: 'recoveryStarted'; readonly cycle: number; readonly delay: number; readonly failure: Failure }
  /** A recovery cycle succeeded: messages flow again. */
  | { readonly type: 'recovered'; readonly cycle: number }
  | { readonly type: 'tokenRefreshed'; readonly reason: RefreshReason; readonly expiresAt: number | null }
  | { readonly type: 'tokenRefreshFailed'; readonly reason: RefreshReason; readonly failure: Failure }
  /** The broker has taken the new credentials on the open connection. */
  | { readonly type: 'reauthenticated'; readonly expiresAt: number | null }
  /** The new credentials could not be passed to the broker on the open connection, which is replaced. */
  | { readonly type: 'reauthenticationFailed'; readonly failure: Failure }
  /** The machine gave up. It stays in `failed` until it receives RETRY or RECOVER. */
  | { readonly type: 'gaveUp'; readonly failure: Failure; readonly attempts: number; readonly cycles: number }

/** The tags of its states, for `snapshot.hasTag`. */
export type ConnectionTag =
  /** A connection is open. */
  | 'online'
  /** Subscriptions are restored, and messages flow. */
  | 'ready'
  /** A delay is running. */
  | 'waiting'
  /** The machine waits for an answer. */
  | 'busy'
  /** Nothing happens until the machine receives a command. */
  | 'resting'

/** The input of a transport, which describes its attempt. */
export interface TransportInput {
  readonly attempt: number
  readonly cycle: number
  readonly generation: number
  readonly server: ServerChoice
  readonly servers: readonly ServerHealth[]
  /** The last failure. */
  readonly failure: Failure | null
  /** Whether it replaces an open connection as planned, rather than one that was lost. */
  readonly replaces: boolean
}

/** The commands that the machine sends to its transport. */
export type TransportCommand =
  /** Send DISCONNECT, close the connection, and report `transport.closed`. */
  | { readonly type: 'CLOSE' }
  /** Send PINGREQ, and fail with a `timeout` if no answer arrives. */
  | { readonly type: 'PROBE' }
  /** Destroy the socket without a DISCONNECT, and fail. */
  | { readonly type: 'DROP' }
  /** Pass the new credentials to the broker, and report `transport.reauthenticated`, or fail. */
  | { readonly type: 'REAUTHENTICATE' }

/** The result of a refresh for the machine. The credentials themselves stay outside. */
export interface RefreshedCredentials {
  /** In milliseconds since 1970. */
  readonly expiresAt: number | null
}
