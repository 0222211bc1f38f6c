import type { ConnectionInput, Timeouts } from '../../machines/config.ts'
import type { AdmissionGate } from '../api/admission-gate.ts'
import type { Birth } from '../api/birth.ts'
import type { Clock } from '../api/clock.ts'
import type { CredentialsSource } from '../api/credentials.ts'
import type { LevelDatabase } from '../api/level-database.ts'
import type { Logger } from '../api/logger.ts'
import type { Message } from '../api/message.ts'
import type {
  ConnectOptions,
  InboxOptions,
  OutboxOptions,
  RateOptions,
  QuarantineOptions,
  ResilientMqttClientOptions,
  SubscriptionsOptions,
  Will,
} from '../api/options.ts'
import type { ServerOptions, ServersSource } from '../api/servers.ts'
import type { WakeSignal } from '../api/wake-signal.ts'
import type { RecorderConfig } from '../recorder/recorder-config.ts'

/**
 * The checked options of a client, completed with their defaults. The rest of the code sees only this, never the raw
 * options. It is a deeply frozen copy: only functions and objects with methods, such as a logger or an agent, are those
 * of the application. Durations are in milliseconds.
 */
export interface ClientConfig {
  /** The option `name`, or else a fixed client id. */
  readonly name: string | undefined
  /** The servers, unless `connect` or the credentials provide them. */
  readonly url: readonly string[] | undefined
  /** The servers with their priorities. A function is called later, and `parseServers` checks its result. */
  readonly servers: readonly ServerConfig[] | ServersSource | undefined
  /** How to connect. A function is called later, and `parseConnectOptions` checks its result. */
  readonly connect: ConnectConfig | ConnectSource
  readonly credentials: CredentialsSource | undefined
  /**
   * The input of the connection machine, without `redirect`. It contains only what the user passed: the machine adds
   * the defaults, so that it can complete a restored snapshot in the same way.
   */
  readonly machine: Omit<ConnectionInput, 'redirect'>
  readonly redirect: {
    /** `own-hosts` are resolved later, because a function or the credentials may provide the URLs. */
    readonly allow: 'own-hosts' | ((serverReference: string) => boolean)
    readonly maxHops: number
  }
  readonly timeouts: Timeouts
  readonly outbox: OutboxConfig
  readonly inbox: Required<InboxOptions>
  readonly subscriptions: {
    /** `undefined` if the application did not set it: the default depends on the server. */
    readonly batchSize: number | undefined
    readonly onSessionPresent: Required<SubscriptionsOptions>['onSessionPresent']
  }
  readonly quarantine: QuarantineOptions
  /** When `connect` is called, if it is a function. */
  readonly evaluateOptions: 'per-client' | 'per-attempt'
  readonly onGiveUp: 'reject' | 'wait'
  readonly birth: Birth | undefined
  readonly onMessage: ((message: Message) => unknown) | undefined
  /** In milliseconds; 0 if it is off. */
  readonly expectTrafficWithin: number
  readonly store: string | LevelDatabase | undefined
  readonly responseTopic: string | undefined
  readonly wakeOn: readonly WakeSignal[]
  readonly gate: AdmissionGate | undefined
  readonly logger: Logger | undefined
  readonly inspect: ResilientMqttClientOptions['inspect']
  readonly recorder: RecorderConfig | undefined
  readonly clock: Clock
  /** In milliseconds since 1970. */
  readonly now: () => number
  /** Returns a number in [0, 1). */
  readonly random: () => number
}

/** One of several servers, completed with defaults. */
export type ServerConfig = Required<ServerOptions>

/** The options of the outbox, completed with defaults. */
export interface OutboxConfig extends OutboxOptions {
  readonly rate: RateOptions
}

/** Returns options for connecting, which are not checked yet. */
export type ConnectSource = () => ConnectOptions | Promise<ConnectOptions>

/**
 * How to connect, checked and completed with defaults. Everything in the CONNECT packet is copied, so that the
 * application can change its own object later.
 */
export interface ConnectConfig extends Omit<ConnectOptions, 'url' | 'will'> {
  readonly url: readonly string[] | undefined
  readonly protocolVersion: 4 | 5 | 'auto'
  readonly clean: boolean
  readonly sessionExpiry: number
  readonly receiveMaximum: number
  readonly topicAliasMaximum: number
  readonly autoAssignTopicAlias: boolean
  readonly will?: WillConfig
}

/** A will, completed with defaults. */
export interface WillConfig extends Will {
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly delay: number
}
