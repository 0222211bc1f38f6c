import type { ConnectionConfig } from '../config.ts'
import type { Disposition, Failure } from '../failure.ts'

/** Why the credentials source is asked. */
export type RefreshReason =
  /** There are none yet. */
  | 'initial'
  /** They are about to expire. */
  | 'expiring'
  /** The broker refused them. */
  | 'refused'
  /** The recovery policy asks for new ones in this cycle. */
  | 'cycle'
  /** `recover()` was called. */
  | 'requested'

/** What the machine knows of the credentials: never the credentials themselves. */
export interface CredentialsState {
  /**
   * - `none`: there is no source
   * - `missing`: never obtained
   * - `fresh`: obtained, not yet proven by a stable connection
   * - `proven`: a connection with them was stable
   * - `refused`: refused by the broker while they were fresh
   */
  readonly status: 'none' | 'missing' | 'fresh' | 'proven' | 'refused'
  /** In milliseconds since 1970, if the source told it. */
  readonly expiresAt: number | null
  /** Between obtaining them and their expiry, in milliseconds. */
  readonly lifetime: number | null
}

/** Which server the next attempt goes to. */
export interface ServerChoice {
  /** Counts on through the server list; the transport takes it modulo the list's length. */
  readonly index: number
  /** A Server Reference that replaces the list, until a connection there fails. */
  readonly redirect: string | null
  /** Redirects in a row. */
  readonly hops: number
}

/** Totals since the actor was started. */
export interface ConnectionCounters {
  /** Connections opened (CONNACK with success). */
  readonly connects: number
  /** Open connections lost. */
  readonly interruptions: number
  /** Attempts that failed before a CONNACK with success. */
  readonly failedAttempts: number
  /** Recovery cycles begun. */
  readonly cycles: number
  readonly tokenRefreshes: number
  readonly failedTokenRefreshes: number
  readonly redirects: number
}

/** How far the restore of subscriptions has come. */
export interface RestoreProgress {
  readonly done: number
  readonly total: number
}

export interface ConnectionContext {
  readonly config: ConnectionConfig
  /** Reconnect attempts since the last stable connection. */
  readonly attempt: number
  /** Recovery cycles since the last stable connection. */
  readonly cycle: number
  /** Whether a WAKE brought the running attempt or cycle forward: it is not counted if it fails. */
  readonly woken: boolean
  /** The delay that is running, or ran last, in milliseconds. */
  readonly delay: number
  /** When the running delay ends, in milliseconds since 1970; `null` outside of the waiting states. */
  readonly retryAt: number | null
  /** The last failure and what it meant. */
  readonly failure: Failure | null
  readonly disposition: Disposition | null
  readonly credentials: CredentialsState
  readonly refreshReason: RefreshReason
  /** Refreshes in a row that failed, or brought a token that is due again at once. */
  readonly renewals: number
  readonly server: ServerChoice
  /** Counts on whenever the client is recreated: options and server list are then evaluated anew. */
  readonly generation: number
  /**
   * Whether the attempt has to be admitted, as one of many:
   *
   * - `none`: there is no gate, or no attempt
   * - `awaited`: the gate was asked; no connection is opened, and none replaced, before it says so
   * - `granted`: it did, and is told when the attempt is over
   */
  readonly admission: 'none' | 'awaited' | 'granted'
  /** Whether there is a transport actor: it may be opening, open or closing. */
  readonly transport: boolean
  /** Whether the broker kept our session, by the last CONNACK. */
  readonly sessionPresent: boolean
  /** When the connection opened, in milliseconds since 1970; `null` while there is none. */
  readonly openedAt: number | null
  /**
   * Since when there is a connection that is still to prove itself stable, in milliseconds since 1970. A planned
   * replacement does not begin the proof anew; `null` once it is proven, or failed.
   */
  readonly unprovenSince: number | null
  /** When the last open connection ended, until there is a ready one again. */
  readonly interruptedAt: number | null
  /** Whether it ended by plan, to be replaced: an interruption only if its replacement fails. */
  readonly replaced: boolean
  readonly restore: RestoreProgress
  /** The ids of the periodic requests, which are also their actors' ids. */
  readonly periodic: readonly string[]
  readonly counters: ConnectionCounters
}

/** What the transport learned from the CONNACK. */
export interface TransportOpened {
  readonly type: 'transport.opened'
  /** Whether the broker kept our session (MQTT 5 §3.2.2.1.1). */
  readonly sessionPresent: boolean
}

/** A periodic request's schedule. Topic and payload stay outside of the machine. */
export interface PeriodicSchedule {
  readonly id: string
  /** From one request to the next, in milliseconds. */
  readonly interval: number
  /** Spreads each interval by up to this fraction of it, in both directions. */
  readonly jitter: number
  /** How long a response is awaited, in milliseconds; `null` if none is expected. */
  readonly responseTimeout: number | null
}

export type ConnectionCommand =
  /** Connect, and stay connected. */
  | { readonly type: 'CONNECT' }
  /** Disconnect gracefully, and stay disconnected. */
  | { readonly type: 'DISCONNECT' }
  /** Forget the counters and try at once. */
  | { readonly type: 'RETRY' }
  /** The network may be back: end the wait, or probe the connection. The attempt it brings forward is not counted. */
  | { readonly type: 'WAKE' }
  /** Do now what a recovery cycle does: new credentials, new client. */
  | { readonly type: 'RECOVER' }
  /** For tests and drills: cut the open connection, without DISCONNECT, as a broken network does. */
  | { readonly type: 'DROP' }
  | { readonly type: 'PERIODIC.START'; readonly schedule: PeriodicSchedule }
  | { readonly type: 'PERIODIC.STOP'; readonly id: string }

/** The names of the connection machine's states, without their children. */
export type ConnectionStateName =
  | 'idle'
  | 'connecting'
  | 'connected'
  | 'reconnecting'
  | 'failed'
  | 'recovering'
  | 'refreshingToken'
  | 'disconnecting'
  | 'disconnected'

/** What a restored machine goes on with. */
export interface Restored {
  readonly type: 'actor.restored'
  /** The state in which it was persisted. */
  readonly state: ConnectionStateName
  readonly periodic: readonly { readonly schedule: PeriodicSchedule; readonly paused: boolean }[]
}

export type ConnectionFact =
  | TransportOpened
  /** The end of a connection or of an attempt: exactly one for each transport, unless we closed it. */
  | { readonly type: 'transport.failed'; readonly failure: Failure }
  /** The transport is closed as we asked. */
  | { readonly type: 'transport.closed' }
  /** The connection was open for `stableAfter`, and the broker acknowledges what is published. */
  | { readonly type: 'transport.proven' }
  /** The connection worked, and is about to fail because of one packet, which is set aside. */
  | { readonly type: 'transport.blameless' }
  /** The gate lets us open a connection. */
  | { readonly type: 'admission.granted' }
  | { readonly type: 'subscriptions.progress'; readonly done: number; readonly total: number }
  | { readonly type: 'subscriptions.restored'; readonly restored: number; readonly refused: number }
  /** The broker did not answer to our SUBSCRIBE packets. */
  | { readonly type: 'subscriptions.unanswered' }
  | Restored

/** XState tells of an actor that threw: the transport, the subscriptions, or, by its id, a periodic request. */
export type ActorError =
  | { readonly type: 'xstate.error.actor.transport'; readonly error: unknown }
  | { readonly type: 'xstate.error.actor.admission'; readonly error: unknown }
  | { readonly type: 'xstate.error.actor.subscriptions'; readonly error: unknown }

export type ConnectionEvent = ConnectionCommand | ConnectionFact | ActorError

/** What the machine tells the world, beside its snapshots. */
export type ConnectionEmitted =
  /** So many of the wanted subscriptions are answered. */
  | { readonly type: 'restoring'; readonly done: number; readonly total: number }
  | { readonly type: 'restored'; readonly restored: number; readonly refused: number }
  /** Messages flow and subscriptions are restored. */
  | {
      readonly type: 'connected'
      readonly sessionPresent: boolean
      readonly restored: number
      readonly refused: number
    }
  /** An open connection was lost. */
  | { readonly type: 'connectionInterrupted'; readonly failure: Failure }
  /** Ready again after an interruption; `downtime` in milliseconds. */
  | { readonly type: 'connectionResumed'; readonly sessionPresent: boolean; readonly downtime: number }
  | { readonly type: 'reconnectScheduled'; readonly attempt: number; readonly delay: number; readonly failure: Failure }
  /** The fast tier has no attempts left. */
  | { readonly type: 'reconnectionFailed'; readonly attempts: number; readonly failure: Failure }
  /** A recovery cycle begins, and waits for `delay` milliseconds first. */
  | { readonly type: 'recoveryStarted'; readonly cycle: number; readonly delay: number; readonly failure: Failure }
  /** Ready again by recovery. */
  | { readonly type: 'recovered'; readonly cycle: number }
  | { readonly type: 'tokenRefreshed'; readonly reason: RefreshReason; readonly expiresAt: number | null }
  | { readonly type: 'tokenRefreshFailed'; readonly reason: RefreshReason; readonly failure: Failure }
  /** The machine rests in `failed`: nothing happens until somebody asks for it. */
  | { readonly type: 'gaveUp'; readonly failure: Failure; readonly attempts: number; readonly cycles: number }

export type ConnectionTag =
  /** A connection is open. */
  | 'online'
  /** Subscriptions are restored, and messages flow. */
  | 'ready'
  /** A delay is running. */
  | 'waiting'
  /** Something was asked for and is awaited. */
  | 'busy'
  /** Nothing happens until somebody asks for it. */
  | 'resting'

/** The input of a transport: which attempt it makes. */
export interface TransportInput {
  readonly attempt: number
  readonly cycle: number
  readonly generation: number
  readonly server: ServerChoice
}

/** What the machine sends to its transport. */
export type TransportCommand =
  /** Send DISCONNECT, close, and answer with `transport.closed`. */
  | { readonly type: 'CLOSE' }
  /** Send PINGREQ and fail with `timeout` if nothing comes back. */
  | { readonly type: 'PROBE' }
  /** Destroy the socket, without DISCONNECT, and fail. */
  | { readonly type: 'DROP' }

/** What a refresh gives to the machine. The credentials themselves stay with whoever obtained them. */
export interface RefreshedCredentials {
  /** In milliseconds since 1970. */
  readonly expiresAt: number | null
}
