import { systemNow, systemRandom } from './ambient.ts'
import type { Disposition, Failure } from './failure.ts'
import { defaultReconnect, exponentialRecovery, type ReconnectPolicy, type RecoveryPolicy } from './policy/recovery.ts'

/** How long the machine waits for anything, in milliseconds. */
export interface Timeouts {
  /** From opening the socket to the CONNACK. @default 30_000 */
  readonly connectTimeout: number
  /** From a SUBSCRIBE to its SUBACK. @default 30_000 */
  readonly subscribeTimeout: number
  /** For the credentials source. @default 30_000 */
  readonly refreshTimeout: number
  /** From the DISCONNECT packet to the closed socket. @default 5_000 */
  readonly disconnectTimeout: number
  /** For the answer to a PINGREQ that a WAKE asked for. @default 5_000 */
  readonly probeTimeout: number
  /**
   * How long a connection must live until the counters reset: a CONNACK alone proves nothing. Its planned replacements
   * count as the same one.
   *
   * @default 30_000
   */
  readonly stableAfter: number
}

/** Following a Server Reference (MQTT 5 §4.11). */
export interface RedirectPolicy {
  /**
   * Whether we go to that server, with our credentials. The transport adds its own rule: never from TLS to plain text.
   *
   * @default no server
   */
  readonly allow: (serverReference: string) => boolean
  /** How many redirects in a row, until a connection was stable. @default 3 */
  readonly maxHops: number
}

/** Everything the connection machine decides by. */
export interface ConnectionConfig {
  readonly reconnect: ReconnectPolicy
  readonly recovery: RecoveryPolicy
  readonly timeouts: Timeouts
  readonly redirect: RedirectPolicy
  /** Whether a `refreshToken` actor is provided. */
  readonly canRefresh: boolean
  /** Whether an `admission` actor is provided, which each attempt has to ask first. */
  readonly gated: boolean
  /** Renew credentials this long before they expire, at most a tenth of their lifetime. In milliseconds. */
  readonly refreshBefore: number
  /** What a DISCONNECT 0x8E (session taken over) means. */
  readonly onTakeover: 'fail' | 'retry-later'
  /** Overrides the failure table for single cases. Must be pure; one that throws is ignored. */
  readonly classify: ((failure: Failure, disposition: Disposition) => Disposition | undefined) | undefined
  /** Chance, in [0, 1). */
  readonly random: () => number
  /** Wall-clock time, in milliseconds since 1970. Delays run on the actor's clock instead. */
  readonly now: () => number
}

/** The input of `connectionMachine`: what is left out takes its default. */
export type ConnectionInput = {
  readonly [K in keyof ConnectionConfig]?: K extends 'reconnect' | 'recovery' | 'timeouts' | 'redirect'
    ? Partial<ConnectionConfig[K]>
    : ConnectionConfig[K]
}

export const defaultTimeouts: Timeouts = Object.freeze({
  connectTimeout: 30_000,
  subscribeTimeout: 30_000,
  refreshTimeout: 30_000,
  disconnectTimeout: 5_000,
  probeTimeout: 5_000,
  stableAfter: 30_000,
})

export const DEFAULT_REFRESH_BEFORE = 5 * 60_000

/** Fills in the defaults. The result is frozen, the input left as it is. */
export function connectionConfig(input: ConnectionInput = {}): ConnectionConfig {
  return Object.freeze({
    canRefresh: input.canRefresh ?? false,
    gated: input.gated ?? false,
    refreshBefore: input.refreshBefore ?? DEFAULT_REFRESH_BEFORE,
    onTakeover: input.onTakeover ?? 'fail',
    classify: input.classify,
    random: input.random ?? systemRandom,
    now: input.now ?? systemNow,
    reconnect: withDefaults(defaultReconnect, input.reconnect),
    recovery: withDefaults(exponentialRecovery, input.recovery),
    timeouts: withDefaults(defaultTimeouts, input.timeouts),
    redirect: withDefaults<RedirectPolicy>({ allow: () => false, maxHops: 3 }, input.redirect),
  })
}

type Given<Options> = { readonly [Name in keyof Options]?: Options[Name] | undefined }

/** What is left out takes its default, and what is `undefined` too: a delay of that would be endless. */
export function withDefaults<Options extends object>(defaults: Options, given: Given<Options> = {}): Options {
  const told = Object.entries(given).filter(([, value]) => value !== undefined)
  return Object.freeze({ ...defaults, ...Object.fromEntries(told) })
}
