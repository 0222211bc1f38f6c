import { systemNow, systemRandom } from './system-defaults.ts'
import type { Disposition, Failure } from './failure.ts'
import { policyData, type BackoffPolicy, type PolicyData } from './policy/backoff.ts'
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
  /** For the answer to a PINGREQ: one that a WAKE asked for, or the `ackTimeout`. @default 5_000 */
  readonly probeTimeout: number
  /**
   * For the acknowledgement of a publish: how long one of QoS 1 or 2 may be the oldest that is not acknowledged, counted
   * from when the socket has taken it, and at most a quarter longer. If a PINGREQ then brings no acknowledgement either,
   * the connection is replaced, and what is not acknowledged is sent again. 0 turns it off.
   *
   * @default 60_000
   */
  readonly ackTimeout: number
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

/**
 * What the connection machine decides by, as plain data: it stands in the context, which must survive JSON. The functions
 * that belong to it are found with `rulesOf`.
 */
export interface ConnectionConfig {
  readonly reconnect: PolicyData<ReconnectPolicy>
  readonly recovery: PolicyData<RecoveryPolicy>
  readonly timeouts: Timeouts
  readonly redirect: Pick<RedirectPolicy, 'maxHops'>
  /** Whether a `refreshToken` actor is provided. */
  readonly canRefresh: boolean
  /** Whether an `admission` actor is provided, which each attempt has to ask first. */
  readonly gated: boolean
  /** Renew credentials this long before they expire, at most a tenth of their lifetime. In milliseconds. */
  readonly refreshBefore: number
  /** What a DISCONNECT 0x8E (session taken over) means. */
  readonly onTakeover: 'fail' | 'retry-later'
}

/** The functions that the connection machine decides by. */
export interface ConnectionRules {
  /** With their jitter, which may be a function. */
  readonly reconnect: ReconnectPolicy
  readonly recovery: RecoveryPolicy
  /** See `RedirectPolicy`. */
  readonly allow: RedirectPolicy['allow']
  /** Overrides the failure table for single cases. Must be pure; one that throws is ignored. */
  readonly classify: ((failure: Failure, disposition: Disposition) => Disposition | undefined) | undefined
  /** Chance, in [0, 1). */
  readonly random: () => number
  /** Wall-clock time, in milliseconds since 1970. Delays run on the actor's clock instead. */
  readonly now: () => number
}

/** The input of `connectionMachine`: what is left out takes its default. */
export interface ConnectionInput
  extends
    Partial<Pick<ConnectionConfig, 'canRefresh' | 'gated' | 'refreshBefore' | 'onTakeover'>>,
    Partial<Pick<ConnectionRules, 'classify' | 'random' | 'now'>> {
  readonly reconnect?: Partial<ReconnectPolicy>
  readonly recovery?: Partial<RecoveryPolicy>
  readonly timeouts?: Partial<Timeouts>
  readonly redirect?: Partial<RedirectPolicy>
}

export const defaultTimeouts: Timeouts = Object.freeze({
  connectTimeout: 30_000,
  subscribeTimeout: 30_000,
  refreshTimeout: 30_000,
  disconnectTimeout: 5_000,
  probeTimeout: 5_000,
  ackTimeout: 60_000,
  stableAfter: 30_000,
})

const defaultRedirect: RedirectPolicy = Object.freeze({ allow: () => false, maxHops: 3 })

export const DEFAULT_REFRESH_BEFORE = 5 * 60_000

/** Found by the config, so that no context holds a function. */
const rules = /* @__PURE__ */ new WeakMap<ConnectionConfig, ConnectionRules>()

/** Fills in the defaults. The result is plain data and frozen, the input left as it is. */
export function connectionConfig(input: ConnectionInput = {}): ConnectionConfig {
  const reconnect = withDefaults(defaultReconnect, input.reconnect)
  const recovery = withDefaults(exponentialRecovery, input.recovery)
  const { allow, maxHops } = withDefaults(defaultRedirect, input.redirect)
  const config = Object.freeze({
    canRefresh: input.canRefresh ?? false,
    gated: input.gated ?? false,
    refreshBefore: input.refreshBefore ?? DEFAULT_REFRESH_BEFORE,
    onTakeover: input.onTakeover ?? 'fail',
    reconnect: policyData(reconnect),
    recovery: policyData(recovery),
    timeouts: withDefaults(defaultTimeouts, input.timeouts),
    redirect: Object.freeze({ maxHops }),
  })
  const { classify, random = systemRandom, now = systemNow } = input
  rules.set(config, Object.freeze({ reconnect, recovery, allow, classify, random, now }))
  return config
}

/** With a default for whatever is left out, so that nothing else is taken from a snapshot. */
export function completed(input: ConnectionInput): ConnectionInput {
  const config = connectionConfig(input)
  const { allow, classify = () => undefined, ...functions } = rulesOf(config)
  return { ...config, ...functions, classify, redirect: { ...config.redirect, allow } }
}

/** The functions of a config. One that came out of JSON has the defaults. */
export function rulesOf(config: ConnectionConfig): ConnectionRules {
  const known = rules.get(config)
  if (known) return known
  const defaults = rulesOf(restoredConfig(config))
  rules.set(config, defaults)
  return defaults
}

/**
 * The config of a restored snapshot: what is given now comes first, then what the snapshot holds. Its functions, unless
 * they are given, are those of the config, if it is still the same object, or the defaults.
 */
export function restoredConfig(restored: ConnectionConfig, given: ConnectionInput = {}): ConnectionConfig {
  const known = rules.get(restored)
  if (known && Object.keys(given).length === 0) return restored
  const { reconnect, recovery, timeouts, redirect, ...rest } = fromJson(restored)
  return connectionConfig({
    ...withDefaults<ConnectionInput>({ ...rest, ...functionsOf(known) }, given),
    reconnect: withDefaults(known?.reconnect ?? namedJitter(reconnect, defaultReconnect), given.reconnect),
    recovery: withDefaults(known?.recovery ?? namedJitter(recovery, exponentialRecovery), given.recovery),
    timeouts: withDefaults(timeouts, given.timeouts),
    redirect: withDefaults({ allow: known?.allow ?? defaultRedirect.allow, ...redirect }, given.redirect),
  })
}

function functionsOf(known: ConnectionRules | undefined): Pick<ConnectionInput, 'classify' | 'random' | 'now'> {
  if (!known) return {}
  const { classify, random, now } = known
  return { classify, random, now }
}

/** A jitter of the user's that is lost must not leave a fleet without any. */
function namedJitter<Policy extends BackoffPolicy>(data: PolicyData<Policy>, { jitter }: BackoffPolicy): Policy {
  return { ...data, jitter: data.jitter === 'custom' ? jitter : data.jitter } as Policy
}

/** JSON makes `null` of Infinity, and nothing else in a config can be `null`. */
function fromJson<Value>(value: Value): Value {
  if (value === null) return Number.POSITIVE_INFINITY as Value
  if (typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value as object).map(([name, each]) => [name, fromJson(each)])) as Value
}

type Given<Options> = { readonly [Name in keyof Options]?: Options[Name] | undefined }

/** What is left out takes its default, and what is `undefined` too: a delay of that would be endless. */
export function withDefaults<Options extends object>(defaults: Options, given: Given<Options> = {}): Options {
  const told = Object.entries(given).filter(([, value]) => value !== undefined)
  return Object.freeze({ ...defaults, ...Object.fromEntries(told) })
}
