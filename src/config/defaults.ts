import { defaultTimeouts } from '../../machines/config.ts'
import type { BackoffPolicy } from '../../machines/policy/backoff.ts'
import type { FleetOptions } from '../api/fleet-options.ts'
import type {
  ConnectOptions,
  InboxOptions,
  OutboxOptions,
  QuarantineOptions,
  ResilientMqttClientOptions,
  SubscriptionsOptions,
  Will,
} from '../api/options.ts'

/**
 * The defaults of all options. Those of the connection machine are in machines/policy (backoff and recovery) and in
 * machines/config.ts (everything else). Durations are in milliseconds.
 */

export { defaultTimeouts }

export const defaultOutbox: OutboxOptions = Object.freeze({
  maxMessages: 10_000,
  maxBytes: 64 * 1024 * 1024,
  overflow: 'reject',
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

export const defaultSubscriptions: Required<SubscriptionsOptions> = Object.freeze({
  batchSize: 100,
  onSessionPresent: 'skip',
})

type RedirectOptions = Required<NonNullable<ResilientMqttClientOptions['redirect']>>

export const defaultRedirect: RedirectOptions = Object.freeze({ allow: 'own-hosts', maxHops: 3 })

/** The default of `sessionExpiry` depends on `clean`: see `parseConnectOptions`. */
export const defaultConnect: Required<
  Pick<ConnectOptions, 'protocolVersion' | 'keepalive' | 'clean' | 'receiveMaximum'>
> = Object.freeze({
  protocolVersion: 4,
  keepalive: 60_000,
  clean: true,
  /**
   * Enough for 10,000 messages a second over a round trip of 100 ms, and small enough to keep the messages that wait
   * for a slow handler or loop in memory.
   */
  receiveMaximum: 1_000,
})

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

/** How many messages wait for an async loop: as many as the broker may send un-acknowledged. */
export const DEFAULT_BUFFER_SIZE = defaultConnect.receiveMaximum

/** How long a request waits for its response, in milliseconds. */
export const DEFAULT_REQUEST_TIMEOUT = 30_000

export const defaultFleet: Required<Pick<FleetOptions, 'maxConnecting' | 'connectRate'>> = Object.freeze({
  maxConnecting: 50,
  connectRate: Number.POSITIVE_INFINITY,
})
