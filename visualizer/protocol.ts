/**
 * The messages on the visualizer's WebSockets, one JSON object a frame.
 *
 * The base is the protocol of `@statelyai/inspect` 0.7.2: `@xstate.actor`, `@xstate.event`, `@xstate.snapshot`, and the
 * handshake `@statelyai.connected`, which asks for a replay. Our extensions are named `@xstate-mqtt.*`. Every peer
 * ignores types and fields that it does not know.
 *
 * | socket | from | to |
 * | --- | --- | --- |
 * | `/viewer?token=…` | page: `ViewerMessage` | server: `ServerMessage`, in batches |
 * | `/feed?token=…`, `/?token=…` | app: `FeedMessage` | server: `FeedReply` |
 * | `/stately?token=…` | viewer: `StatelyConnected`, or nothing | server: `InspectionMessage`, one a frame |
 *
 * A page sends `@statelyai.connected` when its socket opens. It gets `@xstate-mqtt.welcome`, then the replay in batches
 * (every known actor with its last snapshot and its past states first, then the history, oldest first), then
 * `@xstate-mqtt.live`, and then the live messages. Session ids are unique within the server, which puts the feed's id before
 * them (`f1/x:0`). Treat them as opaque.
 */

import type { Timer } from '../src/shared/pending-timers.ts'

export type { Timer } from '../src/shared/pending-timers.ts'

export const PROTOCOL_VERSION = 1

/** When a message was made: milliseconds since 1970 as a decimal string, as in `@statelyai/inspect`. */
export interface Timestamped {
  readonly createdAt: string
}

/** Plain JSON, after redaction. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

interface InspectionBase extends Timestamped {
  /** The session id of the actor. */
  readonly sessionId: string
  /** The root of its system. */
  readonly rootId: string | undefined
  /**
   * Set by the server, `null` between an app and the server. It counts up over all actors in the order of arrival, so it
   * also orders messages of the same millisecond. A replayed message keeps its id.
   */
  readonly id: string | null
  /** Version of the sender's inspector. */
  readonly _version: string
}

/** A snapshot as it is shown: redacted, and cut where it is too large. */
export interface ShownSnapshot {
  readonly status: 'active' | 'done' | 'error' | 'stopped'
  /** State value of a machine: `'idle'` or `{ connected: 'ready' }`. */
  readonly value?: Json
  readonly context?: Json
  readonly tags?: readonly string[]
  /** The session ids of running children, by their ids. */
  readonly children?: { readonly [id: string]: { readonly id: string; readonly sessionId?: string } }
  /** Only the shape of the output: results may be secrets. */
  readonly output?: Json
  /** Only the name and code: messages may quote a secret. */
  readonly error?: Json
}

/** A new actor, or one of a replay, with its last snapshot. */
export interface ActorMessage extends InspectionBase {
  readonly type: '@xstate.actor'
  /** The actor's id, such as `subscriptions`. For a root without one, the machine's id. */
  readonly name: string
  readonly parentId: string | undefined
  /**
   * The machine's config as JSON text, for `JSON.parse`: structure and names only (states, transitions, guards, actions,
   * delays, invocations, tags, descriptions). `{"id":"transport"}` for an actor that is not a machine.
   */
  readonly definition: string | undefined
  readonly snapshot: ShownSnapshot
  /** Extension: the process that reported it; see `FeedInfoMessage`. Set by the server. */
  readonly feedId?: string
  /** Extension: an actor that was sent before and has the same definition, which is then left out. Only in recordings. */
  readonly definedLike?: string
  /** Extension: the kind of logic: a statechart, a reducer (`fromTransition`), or a promise, callback or observable. */
  readonly kind?: 'machine' | 'transition' | 'other'
  /** Extension: the running delays. */
  readonly timers?: readonly Timer[]
  /** Extension: when the actor was created, in the form of `createdAt`. In a replay that may be long ago. */
  readonly bornAt?: string
  /** Extension: the commands that this actor accepts from the page; see `CommandMessage`. */
  readonly commands?: readonly Command[]
}

/** An event was sent to an actor. The resulting `@xstate-mqtt.transition`s and `@xstate.snapshot` follow. */
export interface EventMessage extends InspectionBase {
  readonly type: '@xstate.event'
  readonly event: ShownEvent
  /** The session id of the sender; `undefined` if no actor sent the event. */
  readonly sourceId: string | undefined
}

/** An event as it is shown: redacted. */
export interface ShownEvent {
  readonly type: string
  readonly [key: string]: Json
}

/** An actor has a new snapshot. */
export interface SnapshotMessage extends InspectionBase {
  readonly type: '@xstate.snapshot'
  readonly snapshot: ShownSnapshot
  /** The event that caused it. */
  readonly event: ShownEvent
  /** Extension: the running delays. `undefined` if not known, as in the feed of another inspector. */
  readonly timers?: readonly Timer[]
  /** Extension: which of the actor's `commands` the machine would accept in this state. `undefined` if not known. */
  readonly accepts?: readonly Command[]
  /** Extension: the context has only the fields that differ from those before. Only in recordings, which are long. */
  readonly partial?: true
}

/** The messages of `@statelyai/inspect`. */
export type InspectionMessage = ActorMessage | EventMessage | SnapshotMessage

/** One microstep: the transitions that were taken together. The page highlights their edges. */
export interface TransitionMessage extends InspectionBase {
  readonly type: '@xstate-mqtt.transition'
  /** The event that caused it. For eventless transitions, the event before them. */
  readonly eventType: string
  readonly transitions: readonly TakenTransition[]
}

export interface TakenTransition {
  /** The id of the state node that declares it: `connection.connected.ready`, or its custom id `ready`. */
  readonly source: string
  /** The ids of its target state nodes. Empty if it only runs actions. */
  readonly targets: readonly string[]
  /** Its event descriptor: `RETRY`, `xstate.after.reconnectDelay.reconnecting`, `*`, or `''` if it is eventless. */
  readonly eventType: string
  /** The name of the guard that held; `and(a, b)` for a combined one. `undefined` without a guard. */
  readonly guard?: string
  /** Its position among the source's candidates for that event. The guards of the earlier candidates did not hold. */
  readonly index: number
  readonly reenter: boolean
}

/** A process that reports actors: the server's own (`local`), or one connected to `/feed`. */
export interface FeedInfoMessage extends Timestamped {
  readonly type: '@xstate-mqtt.feed'
  readonly feedId: string
  /** The name that the app chose; for plain `@statelyai/inspect`, one that the server made. Show it as text, not as HTML. */
  readonly name: string
  readonly pid?: number
  /** `offline`: its socket has closed, and its actors are shown as they were last seen. It may reconnect with the same id. */
  readonly status: 'online' | 'offline'
  /** When its socket closed, in milliseconds since 1970 by the server's clock. Only if `offline`. */
  readonly offlineSince?: number
  /**
   * When another process with the same name took its place, by the server's clock: the app was restarted. Only if
   * `offline`.
   */
  readonly supersededAt?: number
  /** How many messages the app has dropped because it could not send them fast enough. */
  readonly dropped: number
  /** How many of them changed the state of an actor. The others would only have shown more details. */
  readonly droppedTransitions: number
}

/** Figures that no machine holds, sampled about once a second while they change. */
export interface StatsMessage extends Timestamped {
  readonly type: '@xstate-mqtt.stats'
  /** The connection actor that they belong to. */
  readonly sessionId: string
  readonly rootId: string | undefined
  readonly stats: {
    /** How many messages wait in the outbox, and how many bytes they have. */
    readonly outbox?: number
    readonly outboxBytes?: number
    /** How many publishes are not yet acknowledged. */
    readonly inFlight?: number
    /** Totals of sent and received messages since the client was created. Rates are their differences. */
    readonly published?: number
    readonly received?: number
  }
}

/** Actors that the server has forgotten, because they had stopped and there were too many, or with their process. */
export interface ForgottenMessage extends Timestamped {
  readonly type: '@xstate-mqtt.forgotten'
  /** The process, if the server has forgotten all of it. */
  readonly feedId?: string
  readonly sessionIds: readonly string[]
}

/**
 * The commands of the page, and the event that each sends to the machine. The machine decides whether and how to react.
 */
export const commandEvents = {
  connect: 'CONNECT',
  disconnect: 'DISCONNECT',
  retry: 'RETRY',
  wake: 'WAKE',
  recover: 'RECOVER',
  drop: 'DROP',
} as const

export type Command = keyof typeof commandEvents

/** A command from the page to an actor. The answer is always a `CommandResultMessage`. */
export interface CommandMessage extends Timestamped {
  readonly type: '@xstate-mqtt.command'
  /** Chosen by the page, unique for its socket. */
  readonly requestId: string
  readonly sessionId: string
  readonly command: Command
}

export interface CommandResultMessage extends Timestamped {
  readonly type: '@xstate-mqtt.command-result'
  readonly requestId: string
  /** Whether the event was sent to the machine. */
  readonly ok: boolean
  /** Why not. `not-allowed`: forbidden by the server or the app. `ignored`: the machine would not react in this state. */
  readonly reason?: 'not-allowed' | 'unknown-actor' | 'unknown-command' | 'stopped' | 'ignored' | 'offline' | 'timeout'
  /** A sentence to show, whatever the outcome. */
  readonly message: string
}

/** The server's first message on `/viewer` and `/feed`. Only a server that sends it gets batches and extensions. */
export interface WelcomeMessage extends Timestamped {
  readonly type: '@xstate-mqtt.welcome'
  readonly version: typeof PROTOCOL_VERSION
  /** Changes when the server restarts. A page must then discard its data. */
  readonly serverId: string
  /** In milliseconds since 1970 by the server's clock. A page finds the difference between the clocks with `createdAt`. */
  readonly startedAt: number
  /** Whether commands are allowed at all. Each actor lists the commands that it accepts. */
  readonly allowCommands: boolean
  /** How many messages the server keeps for viewers that connect later. */
  readonly history: number
  /** The largest frame that the server accepts, in bytes. */
  readonly maxMessageBytes: number
  /** Set if the messages come from a file. After `@xstate-mqtt.live`, there are no others. */
  readonly recording?: RecordingInfo
}

/** A recording that is played. */
export interface RecordingInfo {
  /** The name of the file. */
  readonly file: string
  /** The version of the package that recorded it. */
  readonly package: string
  /** The part that is played, in milliseconds since 1970. */
  readonly from: number
  readonly until: number
  /** How many steps it has. */
  readonly steps: number
}

/** The end of the replay. The messages that follow are live. */
export interface LiveMessage extends Timestamped {
  readonly type: '@xstate-mqtt.live'
  /** How many messages of the history were replayed. */
  readonly replayed: number
  /** How many earlier messages were forgotten. */
  readonly forgotten: number
}

/** Several messages in one frame, in order. Batches are never nested. */
export interface BatchMessage<Message> extends Timestamped {
  readonly type: '@xstate-mqtt.batch'
  readonly messages: readonly Message[]
}

/** Asks for a replay: the handshake of `@statelyai/inspect`. */
export interface StatelyConnected extends Partial<Timestamped> {
  readonly type: '@statelyai.connected'
}

/** An app's first message after the welcome. It lets the app keep its id when it reconnects. */
export interface HelloMessage extends Timestamped {
  readonly type: '@xstate-mqtt.hello'
  readonly version: typeof PROTOCOL_VERSION
  /** A random id that the app chooses once. */
  readonly feedId: string
  readonly name: string
  readonly pid?: number
  /** The session ids of its live actors. Earlier actors that are not listed have stopped. */
  readonly actors: readonly string[]
}

/**
 * Messages were dropped because the receiver was too slow. From an app: how many since its start; the page gets this
 * number in `FeedInfoMessage`. From the server: how many since its start that its viewers did not get.
 */
export interface DroppedMessage extends Timestamped {
  readonly type: '@xstate-mqtt.dropped'
  readonly dropped: number
  /** How many of them changed the state of an actor. */
  readonly droppedTransitions: number
}

/** The meaning of a state, which is shown as a colour and a sign. */
export type Family = 'online' | 'waiting' | 'failed' | 'busy' | 'resting'

/** The states that an actor had before, from the server to the page, also for a time whose messages are forgotten. */
export interface PastMessage extends Timestamped {
  readonly type: '@xstate-mqtt.past'
  readonly sessionId: string
  /** When it entered each state, in milliseconds since 1970, and the meaning of the state. Oldest first. */
  readonly stays: readonly (readonly [at: number, state: string, family: Family])[]
}

/** Sent from the server to the page when there is nothing else to send, so that the page notices if the server is silent. */
export interface AliveMessage extends Timestamped {
  readonly type: '@xstate-mqtt.alive'
}

/** The messages that the history holds. */
export type HistoryMessage = InspectionMessage | TransitionMessage | StatsMessage

/** Server → page, inside of batches. `welcome`, `live` and `command-result` may also come alone. */
export type ServerMessage =
  | WelcomeMessage
  | LiveMessage
  | HistoryMessage
  | FeedInfoMessage
  | PastMessage
  | ForgottenMessage
  | AliveMessage
  | DroppedMessage
  | CommandResultMessage

/** A frame from the server to the page. */
export type ServerFrame = ServerMessage | BatchMessage<ServerMessage>

/** Page → server. */
export type ViewerMessage = StatelyConnected | CommandMessage

/** App → server, alone or inside of batches. */
export type FeedMessage = HelloMessage | HistoryMessage | DroppedMessage | CommandResultMessage

/** Server → app. */
export type FeedReply = WelcomeMessage | StatelyConnected | CommandMessage
