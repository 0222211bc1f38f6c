import type { Disposition, Failure } from './failure.ts'
import { policyData, type BackoffPolicy, type PolicyData } from './policy/backoff.ts'
import { defaultReconnect, exponentialRecovery, type ReconnectPolicy, type RecoveryPolicy } from './policy/recovery.ts'
import { defaultFailover, type FailoverPolicy } from './policy/servers.ts'
import { systemNow, systemRandom } from './system-defaults.ts'

/** The time limits of the machine, in milliseconds. */
export interface Timeouts {
  /**
   * For an attempt, from its admission to the CONNACK. It includes everything that the transport does first: evaluating
   * the options, and closing the previous socket.
   *
   * @default 30_000
   */
  readonly connectTimeout: number
  /** From a SUBSCRIBE to its SUBACK. @default 30_000 */
  readonly subscribeTimeout: number
  /** For the credentials source. @default 30_000 */
  readonly refreshTimeout: number
  /**
   * For an exchange of AUTH packets (MQTT 5 §4.12), with the time of the application's functions: from the server's first
   * AUTH to the CONNACK, or for the whole renewal on an open connection. `connectTimeout` limits the former, too.
   *
   * @default 10_000
   */
  readonly authenticationTimeout: number
  /** From the DISCONNECT packet to the closed socket. @default 5_000 */
  readonly disconnectTimeout: number
  /** From a PINGREQ to its PINGRESP, after a WAKE or the `ackTimeout`. @default 5_000 */
  readonly probeTimeout: number
  /**
   * For the acknowledgement of a publish: how long a publish with QoS 1 or 2 may be the oldest unacknowledged one,
   * counted from the moment when the socket has taken it. The limit is exceeded by at most a quarter. If no
   * acknowledgement arrives after a PINGREQ either, the connection is replaced and the unacknowledged publishes are
   * sent again. 0 turns it off.
   *
   * @default 60_000
   */
  readonly ackTimeout: number
  /** For the application's `birth` on a new connection, before the outbox drains. @default 30_000 */
  readonly birthTimeout: number
  /**
   * How long a connection must be open before the counters reset, because a CONNACK alone proves nothing. The first
   * acknowledgement of a publish proves it at once. A planned replacement counts as the same connection.
   *
   * @default 30_000
   */
  readonly stableAfter: number
}

/** Which Server References are followed (MQTT 5 §4.11). */
export interface RedirectPolicy {
  /**
   * Returns whether to connect to a server, with the client's credentials. The transport additionally refuses to change
   * from TLS to plain text.
   *
   * @default allows no server
   */
  readonly allow: (serverReference: string) => boolean
  /** Maximum number of redirects in a row. The count resets after a stable connection. @default 3 */
  readonly maxHops: number
}

/**
 * The configuration of the connection machine as plain data, because it is part of the context, which must survive
 * JSON. `rulesOf` returns the functions that belong to it.
 */
export interface ConnectionConfig {
  readonly reconnect: PolicyData<ReconnectPolicy>
  readonly recovery: PolicyData<RecoveryPolicy>
  readonly timeouts: Timeouts
  readonly redirect: Pick<RedirectPolicy, 'maxHops'>
  readonly failover: FailoverPolicy
  /** Whether a `refreshToken` actor is provided. @default false */
  readonly canRefresh: boolean
  /** Whether an `admission` actor is provided, which must admit each attempt. @default false */
  readonly gated: boolean
  /**
   * Credentials are renewed this long before they expire, in milliseconds, but never earlier than in the last tenth of
   * their lifetime.
   *
   * @default 300_000
   */
  readonly refreshBefore: number
  /**
   * After how many WebSocket connections in a row that are closed before the CONNACK, without a reason, new credentials are
   * obtained. 0 turns it off.
   *
   * @default 3
   */
  readonly refreshAfterCloses: number
  /** What a DISCONNECT 0x8E (session taken over) means. @default 'fail' */
  readonly onTakeover: 'fail' | 'retry-later'
}

/** The functions of the connection machine's configuration. */
export interface ConnectionRules {
  /** Including the jitter, which may be a function. */
  readonly reconnect: ReconnectPolicy
  readonly recovery: RecoveryPolicy
  /** See `RedirectPolicy`. */
  readonly allow: RedirectPolicy['allow']
  /** Overrides the failure table for single cases. Must be pure. If it throws, the table decides. */
  readonly classify: ((failure: Failure, disposition: Disposition) => Disposition | undefined) | undefined
  /** Returns a random number in [0, 1). */
  readonly random: () => number
  /** Wall-clock time, in milliseconds since 1970. Delays run on the actor's clock instead. */
  readonly now: () => number
}

/** The input of `connectionMachine`. Missing properties get their defaults. */
export interface ConnectionInput
  extends
    Partial<Pick<ConnectionConfig, 'canRefresh' | 'gated' | 'refreshBefore' | 'refreshAfterCloses' | 'onTakeover'>>,
    Partial<Pick<ConnectionRules, 'classify' | 'random' | 'now'>> {
  /** The fast tier: how often and how fast to connect again. @default 10 attempts, after 1 s doubled up to 120 s */
  readonly reconnect?: Partial<ReconnectPolicy>
  /** The slow tier, after the fast one. @default `exponentialRecovery` */
  readonly recovery?: Partial<RecoveryPolicy>
  /** The time limits, in milliseconds. @default those of `Timeouts` */
  readonly timeouts?: Partial<Timeouts>
  /** Which Server References are followed (MQTT 5 §4.11). @default none */
  readonly redirect?: Partial<RedirectPolicy>
  /** How one of several servers is chosen. @default the defaults of `FailoverPolicy` */
  readonly failover?: Partial<FailoverPolicy>
}

/** The default of `timeouts`, in milliseconds. */
export const defaultTimeouts: Timeouts = Object.freeze({
  connectTimeout: 30_000,
  subscribeTimeout: 30_000,
  refreshTimeout: 30_000,
  authenticationTimeout: 10_000,
  disconnectTimeout: 5_000,
  probeTimeout: 5_000,
  ackTimeout: 60_000,
  birthTimeout: 30_000,
  stableAfter: 30_000,
})

export const defaultRedirect: RedirectPolicy = Object.freeze({ allow: () => false, maxHops: 3 })

/** The default of `refreshBefore`, in milliseconds. */
export const DEFAULT_REFRESH_BEFORE = 5 * 60_000

const DEFAULT_REFRESH_AFTER_CLOSES = 3

/** The functions of each config, kept here so that no context contains a function. */
const rules = /* @__PURE__ */ new WeakMap<ConnectionConfig, ConnectionRules>()

/** Adds the defaults. The result is frozen plain data; the input is not changed. */
export function connectionConfig(input: ConnectionInput = {}): ConnectionConfig {
  const reconnect = withDefaults(defaultReconnect, input.reconnect)
  const recovery = withDefaults(exponentialRecovery, input.recovery)
  const { allow, maxHops } = withDefaults(defaultRedirect, input.redirect)
  const config = Object.freeze({
    canRefresh: input.canRefresh ?? false,
    gated: input.gated ?? false,
    refreshBefore: input.refreshBefore ?? DEFAULT_REFRESH_BEFORE,
    refreshAfterCloses: input.refreshAfterCloses ?? DEFAULT_REFRESH_AFTER_CLOSES,
    onTakeover: input.onTakeover ?? 'fail',
    reconnect: policyData(reconnect),
    recovery: policyData(recovery),
    timeouts: withDefaults(defaultTimeouts, input.timeouts),
    redirect: Object.freeze({ maxHops }),
    failover: withDefaults(defaultFailover, input.failover),
  })
  const { classify, random = systemRandom, now = systemNow } = input
  rules.set(config, Object.freeze({ reconnect, recovery, allow, classify, random, now }))
  return config
}

/** Completes the input with all defaults, so that nothing is taken from a snapshot. */
export function completed(input: ConnectionInput): ConnectionInput {
  const config = connectionConfig(input)
  const { allow, classify = () => undefined, ...functions } = rulesOf(config)
  return { ...config, ...functions, classify, redirect: { ...config.redirect, allow } }
}

/** Returns the functions of a config. A config from JSON gets the default functions. */
export function rulesOf(config: ConnectionConfig): ConnectionRules {
  const known = rules.get(config)
  if (known) return known
  const defaults = rulesOf(restoredConfig(config))
  rules.set(config, defaults)
  return defaults
}

/**
 * Returns the config of a restored snapshot. Properties that are given now override those of the snapshot. Functions
 * that are not given now are those of the snapshot's config, if it is still the same object, or the defaults.
 */
export function restoredConfig(restored: ConnectionConfig, given: ConnectionInput = {}): ConnectionConfig {
  const known = rules.get(restored)
  if (known && Object.keys(given).length === 0) return restored
  const { reconnect, recovery, timeouts, redirect, failover, ...rest } = fromJson(restored)
  return connectionConfig({
    ...withDefaults<ConnectionInput>({ ...rest, ...functionsOf(known) }, given),
    reconnect: withDefaults(known?.reconnect ?? namedJitter(reconnect, defaultReconnect), given.reconnect),
    recovery: withDefaults(known?.recovery ?? namedJitter(recovery, exponentialRecovery), given.recovery),
    timeouts: withDefaults(timeouts, given.timeouts),
    failover: withDefaults(failover ?? {}, given.failover),
    redirect: withDefaults({ allow: known?.allow ?? defaultRedirect.allow, ...redirect }, given.redirect),
  })
}

function functionsOf(known: ConnectionRules | undefined): Pick<ConnectionInput, 'classify' | 'random' | 'now'> {
  if (!known) return {}
  const { classify, random, now } = known
  return { classify, random, now }
}

/**
 * Replaces a custom jitter, which a snapshot cannot contain, by the default: a fleet must not end up without jitter.
 */
function namedJitter<Policy extends BackoffPolicy>(data: PolicyData<Policy>, { jitter }: BackoffPolicy): Policy {
  return { ...data, jitter: data.jitter === 'custom' ? jitter : data.jitter } as Policy
}

/** Turns `null` back into Infinity: JSON writes Infinity as `null`, and nothing else in a config can be `null`. */
export function fromJson<Value>(value: Value): Value {
  if (value === null) return Number.POSITIVE_INFINITY as Value
  if (typeof value !== 'object') return value
  return Object.fromEntries(Object.entries(value as object).map(([name, each]) => [name, fromJson(each)])) as Value
}

type Given<Options> = { readonly [Name in keyof Options]?: Options[Name] | undefined }

/**
 * Adds the defaults for properties that are missing or `undefined`. An `undefined` delay would never end. Inherited
 * properties count, too.
 */
export function withDefaults<Options extends object>(defaults: Options, given: Given<Options> = {}): Options {
  const defined: Partial<Options> = {}
  for (const name in given) {
    const value = given[name]
    if (value !== undefined) defined[name] = value
  }
  // Thousands of clients may share the same defaults.
  if (Object.keys(defined).length === 0 && Object.isFrozen(defaults)) return defaults
  return Object.freeze({ ...defaults, ...defined })
}
