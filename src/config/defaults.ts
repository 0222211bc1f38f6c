import { defaultRedirect as machineRedirect, defaultTimeouts } from '../../machines/config.ts'
import type { BackoffPolicy } from '../../machines/policy/backoff.ts'
import { systemNow, systemRandom } from '../../machines/system-defaults.ts'
import type { FleetOptions } from '../api/fleet-options.ts'
import type {
  DisconnectOptions,
  PeriodicRequestOptions,
  PublishOptions,
  RequestOptions,
  SubscribeOptions,
} from '../api/message-options.ts'
import type {
  ConnectOptions,
  InboxOptions,
  QuarantineOptions,
  ResilientMqttClientOptions,
  SubscriptionsOptions,
  Will,
} from '../api/options.ts'
import type { FileRecorderOptions } from '../api/recorder.ts'
import type { FailoverOptions, ServerOptions } from '../api/servers.ts'
import type { WakeSignal } from '../api/wake-signal.ts'
import { realClock } from '../shared/clock.ts'
import type { OutboxConfig } from './client-config.ts'

/**
 * The defaults of all options. Those of the connection machine are in machines/policy (backoff and recovery) and in
 * machines/config.ts (everything else). Durations are in milliseconds.
 */

export { defaultTimeouts }

export const defaultClient: Required<
  Pick<ResilientMqttClientOptions, 'evaluateOptions' | 'onGiveUp' | 'expectTrafficWithin' | 'clock' | 'now' | 'random'>
> & { readonly wakeOn: readonly WakeSignal[] } = Object.freeze({
  evaluateOptions: 'per-client',
  onGiveUp: 'reject',
  expectTrafficWithin: 0,
  /** All of them. A client with a clock of its own is woken by those that it asks for. */
  wakeOn: Object.freeze(['online', 'visibilitychange', 'resume', 'pageshow', 'sleep'] as const),
  clock: realClock,
  now: systemNow,
  random: systemRandom,
})

export const defaultOutbox: OutboxConfig = Object.freeze({
  maxMessages: 10_000,
  maxBytes: 64 * 1024 * 1024,
  overflow: 'reject',
  rate: Object.freeze({ messages: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }),
})

export const defaultInbox: Required<InboxOptions> = Object.freeze({
  claimTimeout: 5_000,
  maxUnclaimed: 1_000,
  stallAfter: 30_000,
  maxUnprocessed: 10_000,
  maxUnprocessedBytes: 16_777_216,
})

export const defaultQuarantine: QuarantineOptions = Object.freeze({
  after: 120_000,
  initialDelay: 5_000,
  maxDelay: 900_000,
})

export const defaultRecorder: Required<Pick<FileRecorderOptions, 'maxBytes' | 'maxAge'>> = Object.freeze({
  maxBytes: 32 * 1024 * 1024,
  maxAge: 7 * 24 * 3_600_000,
})

export const defaultSubscriptions: Required<SubscriptionsOptions> = Object.freeze({
  batchSize: 100,
  onSessionPresent: 'skip',
})

type RedirectOptions = Required<NonNullable<ResilientMqttClientOptions['redirect']>>

export const defaultRedirect: RedirectOptions = Object.freeze({
  allow: 'own-hosts',
  maxHops: machineRedirect.maxHops,
})

export const defaultServer: Required<Omit<ServerOptions, 'url'>> = Object.freeze({ priority: 0, weight: 1 })

/** The other defaults of `failover` are those of the machine. */
export const defaultFailover: Required<Pick<FailoverOptions, 'selection'>> = Object.freeze({ selection: 'ordered' })

/** The default of `sessionExpiry` depends on `clean`: see `parseConnectOptions`. */
export const defaultConnect: Required<
  Pick<ConnectOptions, 'protocolVersion' | 'clean' | 'receiveMaximum' | 'topicAliasMaximum' | 'autoAssignTopicAlias'>
> = Object.freeze({
  protocolVersion: 4,
  clean: true,
  /**
   * Enough for 10,000 messages a second over a round trip of 100 ms, and small enough to keep the messages that wait for a
   * slow handler or loop in memory.
   */
  receiveMaximum: 1_000,
  topicAliasMaximum: 0,
  autoAssignTopicAlias: false,
})

/** Proxies often close a WebSocket that was silent for 60 s: nginx does. */
export const defaultKeepAlive = Object.freeze({ tcp: 60_000, webSocket: 50_000 })

export const defaultWill: Required<Pick<Will, 'qos' | 'retain' | 'delay'>> = Object.freeze({
  qos: 0,
  retain: false,
  delay: 0,
})

/** How a failed handler is called again. */
export interface RetryPolicy extends BackoffPolicy {
  /** Maximum number of retries. */
  readonly maxAttempts: number
  /** What happens to the message after the last retry; `undefined` if that depends on the session. */
  readonly whenExhausted: 'acknowledge' | 'reconnect' | undefined
}

export const defaultRetry: RetryPolicy = Object.freeze({
  initialDelay: 1_000,
  multiplier: 2,
  maxDelay: 30_000,
  jitter: 'equal',
  maxAttempts: 8,
  whenExhausted: undefined,
})

export const defaultPublish: Required<Pick<PublishOptions, 'qos' | 'retain' | 'durable'>> = Object.freeze({
  qos: 0,
  retain: false,
  durable: false,
})

/** The default of `ack` depends on whether there is a handler: see `subscribe`. */
export const defaultSubscribe: Required<
  Pick<SubscribeOptions, 'qos' | 'noLocal' | 'retainAsPublished' | 'retainHandling' | 'bufferSize'>
> = Object.freeze({
  qos: 0,
  noLocal: false,
  retainAsPublished: false,
  retainHandling: 0,
  /** Of loops with `ack: 'on-receipt'`. The others have no default: `inbox.maxUnprocessed` limits them. */
  bufferSize: 1_000,
})

export const defaultRequest: Required<Pick<RequestOptions, 'qos' | 'timeout'>> = Object.freeze({
  qos: 1,
  timeout: 30_000,
})

export const defaultPeriodic: Required<Pick<PeriodicRequestOptions, 'qos' | 'jitter'>> = Object.freeze({
  qos: 0,
  jitter: 0,
})

/** The default of `drainTimeout` and `timeout` is the client's `disconnectTimeout`. */
export const defaultDisconnect: Required<Pick<DisconnectOptions, 'outbox' | 'handlers' | 'reasonCode'>> = Object.freeze(
  {
    outbox: 'reject',
    handlers: 'abandon',
    reasonCode: 0,
  },
)

export const defaultFleet: Required<Pick<FleetOptions, 'maxConnecting' | 'connectRate' | 'canaries'>> = Object.freeze({
  maxConnecting: 50,
  connectRate: Number.POSITIVE_INFINITY,
  canaries: 1,
})
