import type { ConnectionInput, RedirectPolicy } from '../machines/config.ts'
import { defaultTimeouts, withDefaults } from '../machines/config.ts'
import { defaultReconnect, exponentialRecovery, type ReconnectPolicy } from '../machines/policy/recovery.ts'
import { InvalidOptionError } from './errors.ts'
import { checkNames, isObject } from './known-options.ts'
import type { ConnectOptions, ResilientMqttClientOptions } from './options.ts'
import { checkProperties } from './publish-properties.ts'
import type { OutboxOptions } from './session/outbox.ts'
import { checkTopic } from './topics.ts'

const SCHEMES = new Set(['mqtt:', 'mqtts:', 'ws:', 'wss:'])

export const defaultOutbox: OutboxOptions = Object.freeze({
  maxMessages: 10_000,
  maxBytes: 64 * 1024 * 1024,
  overflow: 'reject',
})

/**
 * Checks the options of a client, all of them, before anything happens.
 *
 * @throws {InvalidOptionError} naming the option, the rule and the value
 */
export function checkOptions(options: ResilientMqttClientOptions): void {
  checkObject('url', options, 'must be given in an object: { url }')
  checkNames(options)
  const { url, reconnect, recovery, timeouts, redirect, refreshBefore, outbox, logger, clock } = options
  if (url !== undefined) parseUrls('url', url)
  if (url === undefined && options.options === undefined && options.credentials === undefined) {
    throw new InvalidOptionError('url', 'must be given, unless options or credentials give it')
  }
  checkTier('reconnect', withDefaults(defaultReconnect, reconnect))
  checkTier('recovery', withDefaults(exponentialRecovery, recovery))
  oneOf('recovery.recreateClient', recovery?.recreateClient, [true, false])
  checkCount('recovery.refreshTokenEvery', recovery?.refreshTokenEvery)
  for (const name of Object.keys(defaultTimeouts) as (keyof typeof defaultTimeouts)[]) {
    checkDuration(`timeouts.${name}`, timeouts?.[name])
  }
  checkDuration('refreshBefore', refreshBefore)
  checkCount('redirect.maxHops', redirect?.maxHops)
  if (typeof redirect?.allow !== 'function') oneOf('redirect.allow', redirect?.allow, ['own-hosts', 'any', 'none'])
  oneOf('onTakeover', options.onTakeover, ['fail', 'retry-later'])
  checkCount('outbox.maxMessages', outbox?.maxMessages)
  checkCount('outbox.maxBytes', outbox?.maxBytes)
  oneOf('outbox.overflow', outbox?.overflow, ['reject', 'drop-oldest', 'drop-newest'])
  between('subscriptions.batchSize', options.subscriptions?.batchSize, 1, 65_535)
  oneOf('subscriptions.onSessionPresent', options.subscriptions?.onSessionPresent, ['skip', 'always'])
  if (options.responseTopic !== undefined) checkTopic(options.responseTopic, 'responseTopic')
  checkSource(options.credentials)
  checkFunction('classify', options.classify)
  checkFunction('random', options.random)
  checkFunction('now', options.now)
  checkStore(options.store)
  checkMethods('logger', logger, ['debug', 'info', 'warn', 'error'])
  checkMethods('clock', clock, ['setTimeout', 'clearTimeout'])
  checkMethods('gate', options.gate, ['ask'])
  if (typeof options.inspect !== 'function') checkMethods('inspect', options.inspect, ['next'])
  if (options.options !== undefined && typeof options.options !== 'function') {
    checkConnectOptions(options.options, options.store !== undefined)
  }
}

/**
 * Checks how to connect, also when a function gave it.
 *
 * @param hasStore - which keeps the client id
 * @throws {InvalidOptionError}
 */
export function checkConnectOptions(options: ConnectOptions, hasStore: boolean): void {
  checkObject('options', options, 'must be an object, or a function that gives one')
  const { url, clientId, keepalive, protocolVersion, clean, sessionExpiry, receiveMaximum, maximumPacketSize } = options
  if (url !== undefined) parseUrls('options.url', url)
  if (keepalive !== undefined && keepalive !== 0 && !isBetween(keepalive, 1_000, 65_535_000)) {
    const rule = 'is in milliseconds: it must be 0, or between 1000 and 65535000'
    throw new InvalidOptionError('options.keepalive', rule, keepalive)
  }
  oneOf('options.protocolVersion', protocolVersion, [4, 5])
  oneOf('options.clean', clean, [true, false])
  checkString('options.clientId', clientId)
  checkLogin('options', options)
  checkWill(options.will)
  const { userProperties } = options
  if (userProperties !== undefined) withoutValue('options', () => checkProperties({ userProperties }))
  checkObject('options.tls', options.tls ?? {})
  checkObject('options.wsOptions', options.wsOptions ?? {})
  if (clean === false && !clientId && !hasStore) {
    throw new InvalidOptionError(
      'options.clientId',
      'must be given with clean: false, so that the session is found again, or else a store',
    )
  }
  if (sessionExpiry !== undefined && !isBetween(sessionExpiry, 0, Number.POSITIVE_INFINITY)) {
    throw new InvalidOptionError('options.sessionExpiry', 'must be at least 0, or Infinity', sessionExpiry)
  }
  between('options.receiveMaximum', receiveMaximum, 1, 65_535)
  between('options.maximumPacketSize', maximumPacketSize, 1, 0xffffffff)
}

/**
 * Checks user name and password. What they are is not told: a token may be either.
 *
 * @throws {InvalidOptionError}
 */
export function checkLogin(
  option: string,
  { username, password }: Pick<ConnectOptions, 'username' | 'password'>,
): void {
  if (username !== undefined && typeof username !== 'string') {
    throw new InvalidOptionError(`${option}.username`, 'must be a string')
  }
  checkBytes(`${option}.password`, password)
}

/**
 * Checks what may hold a secret, so that it is not told what it is.
 *
 * @throws {InvalidOptionError}
 */
export function checkObject(option: string, value: unknown, rule = 'must be an object'): void {
  if (!isObject(value)) throw new InvalidOptionError(option, rule)
}

/**
 * The servers to connect to.
 *
 * @throws {InvalidOptionError} if there is none, or one is no URL of MQTT. What it was is told without its credentials
 */
export function parseUrls(option: string, url: string | readonly string[]): readonly string[] {
  const urls = typeof url === 'string' ? [url] : url
  if (!Array.isArray(urls) || urls.length === 0) {
    throw new InvalidOptionError(option, 'must be a URL, or a list of at least one')
  }
  for (const candidate of urls) {
    if (typeof candidate !== 'string' || !URL.canParse(candidate)) {
      // It may hold a password where we can't tell, so it is not shown.
      throw new InvalidOptionError(option, 'must be a URL such as mqtt://localhost:1883')
    }
    const { protocol, hostname: host } = new URL(candidate)
    if (!SCHEMES.has(protocol)) {
      throw new InvalidOptionError(option, 'must begin with mqtt:, mqtts:, ws: or wss:', protocol)
    }
    if (host === '') throw new InvalidOptionError(option, 'must name a host, as mqtt://localhost:1883 does')
  }
  return urls
}

/**
 * The machine's input.
 *
 * @param isOwnHost - whether a Server Reference leads to one of our own hosts, which credentials and functions tell too
 */
export function connectionInput(
  options: ResilientMqttClientOptions,
  isOwnHost: (serverReference: string) => boolean,
): ConnectionInput {
  const { reconnect, recovery, timeouts, refreshBefore, onTakeover, classify, random, now } = options
  return withDefaults<ConnectionInput>(
    {
      canRefresh: options.credentials !== undefined,
      gated: options.gate !== undefined,
      redirect: redirectPolicy(options, isOwnHost),
    },
    { reconnect, recovery, timeouts, refreshBefore, onTakeover, classify, random, now },
  )
}

function redirectPolicy(
  { redirect }: ResilientMqttClientOptions,
  isOwnHost: RedirectPolicy['allow'],
): Partial<RedirectPolicy> {
  const { allow = 'own-hosts', maxHops = 3 } = redirect ?? {}
  if (typeof allow === 'function') return { allow, maxHops }
  return { allow: allow === 'own-hosts' ? isOwnHost : () => allow === 'any', maxHops }
}

function checkStore(store: ResilientMqttClientOptions['store']): void {
  if (store === '') throw new InvalidOptionError('store', 'must be the path of a folder, or a database', store)
  if (typeof store !== 'string') checkMethods('store', store, ['open', 'batch', 'iterator'])
}

function checkWill(will: ConnectOptions['will']): void {
  if (will === undefined) return
  checkObject('options.will', will)
  checkTopic(will.topic, 'options.will.topic')
  checkBytes('options.will.payload', will.payload)
  oneOf('options.will.qos', will.qos, [0, 1, 2])
  checkDuration('options.will.delay', will.delay)
  withoutValue('options.will.properties', () => checkProperties(will.properties))
}

function checkTier(tier: string, policy: ReconnectPolicy): void {
  oneOf(`${tier}.enabled`, policy.enabled, [true, false])
  checkCount(`${tier}.maxAttempts`, policy.maxAttempts)
  checkDuration(`${tier}.initialDelay`, policy.initialDelay)
  checkDuration(`${tier}.maxDelay`, policy.maxDelay)
  if (policy.maxDelay < policy.initialDelay) {
    const rule = `must be at least ${tier}.initialDelay (${policy.initialDelay})`
    throw new InvalidOptionError(`${tier}.maxDelay`, rule, policy.maxDelay)
  }
  if (!isBetween(policy.multiplier, 1, Number.POSITIVE_INFINITY)) {
    throw new InvalidOptionError(`${tier}.multiplier`, 'must be at least 1', policy.multiplier)
  }
  if (typeof policy.jitter !== 'function') {
    oneOf(`${tier}.jitter`, policy.jitter, ['none', 'equal', 'full', 'decorrelated'])
  }
}

function checkDuration(option: string, value: number | undefined): void {
  if (value !== undefined && !isBetween(value, 0, 2 ** 31 - 1)) {
    throw new InvalidOptionError(option, 'must be milliseconds between 0 and 2147483647', value)
  }
}

function checkCount(option: string, value: number | undefined): void {
  if (value === undefined || value === Number.POSITIVE_INFINITY) return
  if (!Number.isInteger(value) || value < 0) {
    throw new InvalidOptionError(option, 'must be a whole number of at least 0', value)
  }
}

function between(option: string, value: number | undefined, min: number, max: number): void {
  if (value !== undefined && !(Number.isInteger(value) && isBetween(value, min, max))) {
    throw new InvalidOptionError(option, `must be a whole number between ${min} and ${max}`, value)
  }
}

/** @throws {InvalidOptionError} */
export function oneOf(option: string, value: unknown, allowed: readonly unknown[]): void {
  if (value !== undefined && !allowed.includes(value)) {
    throw new InvalidOptionError(
      option,
      `must be one of ${allowed.map((each) => JSON.stringify(each)).join(', ')}`,
      value,
    )
  }
}

function isBetween(value: unknown, min: number, max: number): boolean {
  return typeof value === 'number' && value >= min && value <= max
}

function checkString(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'string') throw new InvalidOptionError(option, 'must be a string', value)
}

/** Does not tell what it was. */
function checkBytes(option: string, value: unknown): void {
  if (value === undefined || typeof value === 'string' || value instanceof Uint8Array) return
  throw new InvalidOptionError(option, 'must be a string or a Uint8Array')
}

/** Of credentials that are given as a value it is not told what they are. */
function checkSource(credentials: unknown): void {
  if (credentials === undefined || typeof credentials === 'function') return
  throw new InvalidOptionError('credentials', 'must be a function that gives them')
}

/** Properties may hold a secret: which of them breaks a rule is told, by its path here, and not what it was. */
function withoutValue(path: string, check: () => unknown): void {
  try {
    check()
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error
    throw new InvalidOptionError(error.option.replace('properties', path), error.rule)
  }
}

function checkMethods(option: string, value: unknown, methods: readonly string[]): void {
  if (value === undefined) return
  const object = Object(value) as Record<string, unknown>
  if (methods.every((method) => typeof object[method] === 'function')) return
  throw new InvalidOptionError(option, `must have ${methods.map((method) => `${method}()`).join(', ')}`, value)
}

function checkFunction(option: string, value: unknown): void {
  if (value !== undefined && typeof value !== 'function') {
    throw new InvalidOptionError(option, 'must be a function', value)
  }
}
