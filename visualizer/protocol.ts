/**
 * What goes over the WebSockets of the visualizer, one JSON object a frame.
 *
 * The base is the protocol of `@statelyai/inspect` 0.7.2: `@xstate.actor`, `@xstate.event`, `@xstate.snapshot`, and the
 * handshake `@statelyai.connected`, which asks for a replay. All that we add is named `@xstate-mqtt.*`, and a peer that
 * does not know it may ignore it. Everybody ignores types and fields that they do not know.
 *
 * | socket | from | to |
 * | --- | --- | --- |
 * | `/viewer?token=…` | page: `ViewerMessage` | server: `ServerMessage`, in batches |
 * | `/feed?token=…`, `/?token=…` | app: `FeedMessage` | server: `FeedReply` |
 * | `/stately?token=…` | viewer: `StatelyConnected`, or nothing | server: `InspectionMessage`, one a frame |
 *
 * A page says `@statelyai.connected` when its socket opens. It gets `@xstate-mqtt.welcome`, then the replay in batches
 * (every known actor with its last snapshot first, then the history, oldest first), then `@xstate-mqtt.live`, then what
 * happens. Session ids are unique within the server: it puts the feed before them (`f1/x:0`). Treat them as opaque.
 */

export const PROTOCOL_VERSION = 1

/** Every message: when it was made, in milliseconds since 1970, as a decimal string (so has it `@statelyai/inspect`). */
export interface Timestamped {
  readonly createdAt: string
}

/** Plain JSON: what is left after redaction. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json }

interface InspectionBase extends Timestamped {
  /** The actor that it is about. */
  readonly sessionId: string
  /** The root of its system. */
  readonly rootId: string | undefined
  /**
   * Given by the server: counts up over all actors in the order of arrival, so it orders messages of one millisecond,
   * and a replayed message has the id that it had when it was live. `null` between an app and the server.
   */
  readonly id: string | null
  /** Version of the sender's inspector. */
  readonly _version: string
}

/** A snapshot as it is shown: redacted, and cut where it is too big. */
export interface ShownSnapshot {
  readonly status: 'active' | 'done' | 'error' | 'stopped'
  /** State value of a machine: `'idle'` or `{ connected: 'ready' }`. */
  readonly value?: Json
  readonly context?: Json
  readonly tags?: readonly string[]
  /** Running children by their id: their session id. */
  readonly children?: { readonly [id: string]: { readonly id: string; readonly sessionId?: string } }
  /** Only its shape: results may be secrets. */
  readonly output?: Json
  /** Only name and code: messages may quote a secret. */
  readonly error?: Json
}

/** A delay that runs: `after`, or a delayed event. */
export interface Timer {
  /** The event that it sends: `xstate.after.reconnectDelay.connection.reconnecting`. */
  readonly event: string
  /** What the machine calls the delay: `reconnectDelay`, or `1000`. Only for `after`. */
  readonly name?: string
  /** The id of the state node that it belongs to: `reconnecting`, `connection.connected`. Only for `after`. */
  readonly state?: string
  /** In milliseconds. */
  readonly delay: number
  /** In milliseconds since 1970; it ends at `startedAt + delay`. */
  readonly startedAt: number
}

/** A new actor, or one of the replay: then `snapshot` is its last one. */
export interface ActorMessage extends InspectionBase {
  readonly type: '@xstate.actor'
  /** The actor's id: `subscriptions`; for a root that was given none, the machine's id. */
  readonly name: string
  readonly parentId: string | undefined
  /**
   * The machine's config as JSON text, for `JSON.parse`: structure and names only (states, transitions, guards, actions,
   * delays, invocations, tags, descriptions). `{"id":"transport"}` for an actor that is no machine.
   */
  readonly definition: string | undefined
  readonly snapshot: ShownSnapshot
  /** Ours: which process reported it, see `FeedMessageInfo`. Given by the server. */
  readonly feedId?: string
  /** Ours: the kind of logic: a statechart, a reducer (`fromTransition`), or a promise, callback or observable. */
  readonly kind?: 'machine' | 'transition' | 'other'
  /** Ours: running delays. */
  readonly timers?: readonly Timer[]
  /** Ours: in a replay the actor may be old. When it was created, in the form of `createdAt`. */
  readonly bornAt?: string
  /** Ours: commands that this actor takes from the page, if any; see `CommandMessage`. */
  readonly commands?: readonly Command[]
}

/** An event was sent to an actor. The `@xstate-mqtt.transition`s and the `@xstate.snapshot` that it led to follow. */
export interface EventMessage extends InspectionBase {
  readonly type: '@xstate.event'
  readonly event: ShownEvent
  /** Who sent it; `undefined` if it came from outside. */
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
  /** The event that led to it. */
  readonly event: ShownEvent
  /** Ours: delays that run now. Missing: not known (another inspector's feed). */
  readonly timers?: readonly Timer[]
  /** Ours: which of the actor's `commands` the machine would take in this state. Missing: not known. */
  readonly accepts?: readonly Command[]
}

/** The part of the protocol that is `@statelyai/inspect`'s. */
export type InspectionMessage = ActorMessage | EventMessage | SnapshotMessage

/** One microstep: the transitions that were taken together, for the page to flash exact edges. */
export interface TransitionMessage extends InspectionBase {
  readonly type: '@xstate-mqtt.transition'
  /** The event that it was taken for; eventless transitions are taken for the one before them. */
  readonly eventType: string
  readonly transitions: readonly TakenTransition[]
}

export interface TakenTransition {
  /** The id of the state node that declares it: `connection.connected.ready`, or its custom id `ready`. */
  readonly source: string
  /** The ids of the state nodes that it leads to; empty for one that only runs actions. */
  readonly targets: readonly string[]
  /** What it is declared for: `RETRY`, `xstate.after.reconnectDelay.reconnecting`, `''` for eventless, `*`. */
  readonly eventType: string
  /** The guard that held, by its name; `and(a, b)` for a combined one. Missing: unguarded. */
  readonly guard?: string
  /** Its position among the source's candidates for that event: those before it did not hold. */
  readonly index: number
  readonly reenter: boolean
}

/** A process that reports actors: the server's own (`local`), or one connected to `/feed`. */
export interface FeedInfoMessage extends Timestamped {
  readonly type: '@xstate-mqtt.feed'
  readonly feedId: string
  /** What the app calls itself; for a plain `@statelyai/inspect` app a made-up name. Show it as text. */
  readonly name: string
  readonly pid?: number
  /** `offline`: its socket is gone, its actors are as they were last seen. It may come back under the same id. */
  readonly status: 'online' | 'offline'
  /** When its socket was gone, in milliseconds since 1970, by the server's clock. Only if it is `offline`. */
  readonly offlineSince?: number
  /** Messages that the app dropped so far because it could not keep up. */
  readonly dropped: number
}

/** Figures that are in no machine, sampled about once a second while they change. */
export interface StatsMessage extends Timestamped {
  readonly type: '@xstate-mqtt.stats'
  /** The connection actor that they belong to. */
  readonly sessionId: string
  readonly rootId: string | undefined
  readonly stats: {
    /** Messages that wait in the outbox, and their bytes. */
    readonly outbox?: number
    readonly outboxBytes?: number
    /** Publishes without an acknowledgement. */
    readonly inFlight?: number
    /** Totals of messages since the client was made, of those that went out and came in: rates are differences. */
    readonly published?: number
    readonly received?: number
  }
}

/** Actors that the server forgot: they had stopped, and there were too many. */
export interface ForgottenMessage extends Timestamped {
  readonly type: '@xstate-mqtt.forgotten'
  readonly sessionIds: readonly string[]
}

/**
 * What the page may ask for, and the event that the machine is sent. Nothing else happens: whether and how it reacts is
 * the machine's.
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

/** A command of the page for an actor. It is answered by a `CommandResultMessage`, always. */
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
  /** Whether the machine was sent the event. */
  readonly ok: boolean
  /** Why not: `not-allowed` the server or the app allow no commands; `ignored` the machine does nothing with it in this state. */
  readonly reason?: 'not-allowed' | 'unknown-actor' | 'unknown-command' | 'stopped' | 'ignored' | 'offline' | 'timeout'
  /** A sentence to show, whatever the outcome. */
  readonly message: string
}

/** The server's first message on `/viewer` and `/feed`. Only a server that sends it gets batches and extensions. */
export interface WelcomeMessage extends Timestamped {
  readonly type: '@xstate-mqtt.welcome'
  readonly version: typeof PROTOCOL_VERSION
  /** Changes when the server is restarted: then forget all you know. */
  readonly serverId: string
  /** In milliseconds since 1970, by the server's clock. Compare `createdAt` with your own for the difference of clocks. */
  readonly startedAt: number
  /** Whether commands are allowed at all; which actor takes which is told with the actor. */
  readonly allowCommands: boolean
  /** How many messages the server keeps for those who join late. */
  readonly history: number
  /** The largest frame that the server takes, in bytes. */
  readonly maxMessageBytes: number
}

/** The end of the replay: what follows happens now. */
export interface LiveMessage extends Timestamped {
  readonly type: '@xstate-mqtt.live'
  /** Messages of the history that were replayed. */
  readonly replayed: number
  /** Messages that there were before them and are forgotten. */
  readonly forgotten: number
}

/** Several messages in one frame, in order. Never nested. */
export interface BatchMessage<Message> extends Timestamped {
  readonly type: '@xstate-mqtt.batch'
  readonly messages: readonly Message[]
}

/** Asks for a replay: `@statelyai/inspect`'s handshake. */
export interface StatelyConnected extends Partial<Timestamped> {
  readonly type: '@statelyai.connected'
}

/** An app's first message, after the welcome: lets it come back under the same id after its socket was lost. */
export interface HelloMessage extends Timestamped {
  readonly type: '@xstate-mqtt.hello'
  readonly version: typeof PROTOCOL_VERSION
  /** Random, chosen once by the app. */
  readonly feedId: string
  readonly name: string
  readonly pid?: number
  /** The session ids of the actors that live: those it had before and does not name stopped meanwhile. */
  readonly actors: readonly string[]
}

/**
 * Messages were dropped because nobody could keep up: by the app since its start (then in `FeedInfoMessage` for the page),
 * or by the server towards its viewers since its start.
 */
export interface DroppedMessage extends Timestamped {
  readonly type: '@xstate-mqtt.dropped'
  readonly dropped: number
}

/** What the history holds. */
export type HistoryMessage = InspectionMessage | TransitionMessage | StatsMessage

/** Server → page, inside of batches. `welcome`, `live` and `command-result` may also come alone. */
export type ServerMessage =
  | WelcomeMessage
  | LiveMessage
  | HistoryMessage
  | FeedInfoMessage
  | ForgottenMessage
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
