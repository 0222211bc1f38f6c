import type { ConnectionInput, Timeouts } from '../../machines/config.ts'
import type { AdmissionGate } from '../api/admission-gate.ts'
import type { Clock } from '../api/clock.ts'
import type { LevelDatabase } from '../api/level-database.ts'
import type { Logger } from '../api/logger.ts'
import type { Message } from '../api/message.ts'
import type {
  ConnectOptions,
  CredentialsSource,
  InboxOptions,
  OutboxOptions,
  QuarantineOptions,
  ResilientMqttClientOptions,
  SubscriptionsOptions,
  Will,
} from '../api/options.ts'

/**
 * The options of a client, checked and complete: what is left out has its default. Frozen, and the only thing that the
 * rest of the code knows of the options. Durations are in milliseconds.
 */
export interface ClientConfig {
  /** Where to connect, unless `connect` or the credentials say so. */
  readonly url: readonly string[] | undefined
  /** How to connect. A function is called later, and its result goes through `parseConnectOptions`. */
  readonly connect: ConnectConfig | ConnectSource
  readonly credentials: CredentialsSource | undefined
  /**
   * Input of the connection machine, but for `redirect`. It holds what the user gave: the machine has the defaults, so
   * that a snapshot that is restored is completed by them, too.
   */
  readonly machine: Omit<ConnectionInput, 'redirect'>
  readonly redirect: {
    /** `own-hosts` are known only later: they may come from a function, or with the credentials. */
    readonly allow: 'own-hosts' | ((serverReference: string) => boolean)
    readonly maxHops: number
  }
  readonly timeouts: Timeouts
  readonly outbox: OutboxOptions
  readonly inbox: Required<InboxOptions>
  readonly subscriptions: Required<SubscriptionsOptions>
  readonly quarantine: QuarantineOptions
  readonly onGiveUp: 'reject' | 'wait'
  readonly onMessage: ((message: Message) => unknown) | undefined
  readonly store: string | LevelDatabase | undefined
  readonly responseTopic: string | undefined
  readonly gate: AdmissionGate | undefined
  readonly logger: Logger | undefined
  readonly inspect: ResilientMqttClientOptions['inspect']
  readonly clock: Clock
  /** In milliseconds since 1970. */
  readonly now: () => number
  /** From 0 to 1. */
  readonly random: () => number
}

/** Gives options for connecting. What it gives is not checked yet. */
export type ConnectSource = () => ConnectOptions | Promise<ConnectOptions>

/**
 * How to connect, checked and complete. What goes into the CONNECT packet is a copy: an application that changes its
 * object later changes no packet.
 */
export interface ConnectConfig extends Omit<ConnectOptions, 'url' | 'will'> {
  readonly url: readonly string[] | undefined
  readonly protocolVersion: 4 | 5
  readonly keepalive: number
  readonly clean: boolean
  readonly sessionExpiry: number
  readonly receiveMaximum: number
  readonly will?: WillConfig
}

/** A will, complete. */
export interface WillConfig extends Will {
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly delay: number
}
