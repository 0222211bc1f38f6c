import { withDefaults } from '../../machines/config.ts'
import type { BackoffPolicy } from '../../machines/policy/backoff.ts'
import { defaultReconnect, exponentialRecovery } from '../../machines/policy/recovery.ts'
import { defaultFailover as machineFailover } from '../../machines/policy/servers.ts'
import { InvalidOptionError } from '../api/errors.ts'
import type { ConnectOptions, ResilientMqttClientOptions, Will } from '../api/options.ts'
import { isObject } from '../shared/read-options.ts'
import { checkAuthentication } from './authentication.ts'
import type { ClientConfig, ConnectConfig, ConnectSource, OutboxConfig, WillConfig } from './client-config.ts'
import { defaultName } from './client-name.ts'
import { readClientOptions, readConnectOptions, type WithUrls } from './client-rules.ts'
import {
  defaultClient,
  defaultConnect,
  defaultFailover,
  defaultInbox,
  defaultOutbox,
  defaultQuarantine,
  defaultRecorder,
  defaultRedirect,
  defaultSubscriptions,
  defaultTimeouts,
  defaultWill,
} from './defaults.ts'
import { loginOf } from './login.ts'

type ReadOptions = WithUrls<ResilientMqttClientOptions>

const noSignals: ClientConfig['wakeOn'] = Object.freeze([])

/**
 * Checks all options of a client before anything else happens, and adds the defaults.
 *
 * `credentials`, and `options` if it is a function, are called later, and their results are checked then.
 *
 * @throws {InvalidOptionError} with the option, the rule and the value
 */
export function parseOptions(given: ResilientMqttClientOptions): ClientConfig {
  // Without the value, which may be a URL with a password.
  if (!isObject(given)) throw new InvalidOptionError('url', 'must be passed in an object: { url }')
  const options = readClientOptions(given)
  const { url, servers, credentials, store } = options
  if ([url, servers, options.options, credentials].every((each) => each === undefined)) {
    throw new InvalidOptionError('url', 'must be given, unless servers, options or credentials provide it')
  }
  checkBackoff('reconnect', withDefaults(defaultReconnect, options.reconnect))
  checkBackoff('recovery', withDefaults(exponentialRecovery, options.recovery))
  const quarantine = withDefaults(defaultQuarantine, options.quarantine)
  checkBackoff('quarantine', quarantine)
  const connect = connectConfig(options.options, store !== undefined)
  checkServers(options, connect)
  if (typeof connect !== 'function' && credentials === undefined) checkLogins(connect, serverUrls(options))
  return Object.freeze<ClientConfig>({
    name: options.name ?? defaultName(connect),
    url,
    servers,
    connect,
    credentials,
    machine: machineInput(options),
    redirect: redirectConfig(options.redirect),
    timeouts: withDefaults(defaultTimeouts, options.timeouts),
    outbox: outboxConfig(options.outbox),
    inbox: withDefaults(defaultInbox, options.inbox),
    subscriptions: subscriptionsConfig(options.subscriptions),
    quarantine,
    evaluateOptions: options.evaluateOptions ?? defaultClient.evaluateOptions,
    onGiveUp: options.onGiveUp ?? defaultClient.onGiveUp,
    birth: options.birth,
    onMessage: options.onMessage,
    expectTrafficWithin: options.expectTrafficWithin ?? defaultClient.expectTrafficWithin,
    store,
    responseTopic: options.responseTopic,
    wakeOn: wakeSignals(options),
    gate: options.gate,
    logger: options.logger,
    inspect: options.inspect,
    recorder: recorderConfig(options.recorder),
    clock: options.clock ?? defaultClient.clock,
    now: options.now ?? defaultClient.now,
    random: options.random ?? defaultClient.random,
  })
}

/**
 * Checks options for connecting, which may be the result of a function, and adds the defaults.
 *
 * @param hasStore - whether the client has a store, which keeps the client id
 * @throws {InvalidOptionError}
 */
export function parseConnectOptions(options: ConnectOptions, hasStore: boolean): ConnectConfig {
  return completeConnect(readConnectOptions(options), hasStore)
}

/**
 * Checks that the longest delay of a backoff is not shorter than its first delay.
 *
 * @param path - of the options of the backoff, such as `reconnect`
 * @throws {InvalidOptionError}
 */
export function checkBackoff(
  path: string,
  { initialDelay, maxDelay }: Pick<BackoffPolicy, 'initialDelay' | 'maxDelay'>,
): void {
  if (maxDelay >= initialDelay) return
  throw new InvalidOptionError(`${path}.maxDelay`, `must be at least ${path}.initialDelay (${initialDelay})`, maxDelay)
}

function connectConfig(options: ReadOptions['options'] = {}, hasStore: boolean): ConnectConfig | ConnectSource {
  // They were read together with the other options.
  return typeof options === 'function' ? options : completeConnect(options as WithUrls<ConnectOptions>, hasStore)
}

function completeConnect(options: WithUrls<ConnectOptions>, hasStore: boolean): ConnectConfig {
  checkSession(options, hasStore)
  checkAuthentication(options)
  if (options.socket && options.wsOptions?.agent !== undefined) {
    throw new InvalidOptionError('options.socket', 'must not be given together with wsOptions.agent')
  }
  const complete = withDefaults<WithUrls<ConnectOptions> & typeof defaultConnect>(defaultConnect, options)
  const { url, will, sessionExpiry, ...others } = complete
  return Object.freeze<ConnectConfig>({
    // In this order: V8 keeps a hidden class for each object that adds properties to a spread.
    url,
    sessionExpiry: sessionExpiry ?? (others.clean ? 0 : Number.POSITIVE_INFINITY),
    ...others,
    ...(will && { will: willConfig(will) }),
  })
}

function machineInput(options: ReadOptions): ClientConfig['machine'] {
  const { reconnect, recovery, timeouts, refreshBefore, refreshAfterCloses, onTakeover, classify, random, now } =
    options
  const failover = options.servers && withDefaults(defaultFailover, options.failover)
  return withDefaults<ClientConfig['machine']>(
    { canRefresh: options.credentials !== undefined, gated: options.gate !== undefined, ...(failover && { failover }) },
    { reconnect, recovery, timeouts, refreshBefore, refreshAfterCloses, onTakeover, classify, random, now },
  )
}

/** Timers of a clock that the application moves must not be mixed with signals of the real world, unless it wants that. */
function wakeSignals({ wakeOn, clock }: ReadOptions): ClientConfig['wakeOn'] {
  if (wakeOn === undefined) return clock ? noSignals : defaultClient.wakeOn
  return wakeOn === false ? noSignals : wakeOn
}

function subscriptionsConfig(options: ResilientMqttClientOptions['subscriptions']): ClientConfig['subscriptions'] {
  const { onSessionPresent } = withDefaults(defaultSubscriptions, options)
  return Object.freeze({ batchSize: options?.batchSize, onSessionPresent })
}

function outboxConfig({ rate, ...others }: ResilientMqttClientOptions['outbox'] = {}): OutboxConfig {
  return withDefaults(defaultOutbox, { ...others, rate: rate && withDefaults(defaultOutbox.rate, rate) })
}

function recorderConfig(options: ResilientMqttClientOptions['recorder']): ClientConfig['recorder'] {
  if (!options) return undefined
  const { file, write, maxBytes, maxAge } = options
  if (write) return Object.freeze({ write })
  return withDefaults({ file, ...defaultRecorder }, { maxBytes, maxAge })
}

function redirectConfig(options: ResilientMqttClientOptions['redirect']): ClientConfig['redirect'] {
  const { allow, maxHops } = withDefaults(defaultRedirect, options)
  const isNamed = allow === 'any' || allow === 'none'
  return Object.freeze({ allow: isNamed ? () => allow === 'any' : allow, maxHops })
}

function willConfig(will: Will): WillConfig {
  const { topic, payload, qos, retain, delay, properties } = will
  return Object.freeze({
    topic,
    payload,
    ...withDefaults(defaultWill, { qos, retain, delay }),
    ...(properties && { properties }),
  })
}

function checkSession({ clean, clientId }: WithUrls<ConnectOptions>, hasStore: boolean): void {
  if (clean !== false || clientId || hasStore) return
  throw new InvalidOptionError(
    'options.clientId',
    'must be given with clean: false, so that the broker finds the session again, unless there is a store',
  )
}

/** Checks that the servers come from one place, and that the longest cool-down is not shorter than the first. */
function checkServers({ servers, url, failover }: ReadOptions, connect: ConnectConfig | ConnectSource): void {
  if (servers === undefined) {
    if (failover) throw new InvalidOptionError('failover', 'needs servers: a list of url is used in its order')
    return
  }
  const elsewhere = url ? 'url' : typeof connect !== 'function' && connect.url && 'options.url'
  if (elsewhere) throw new InvalidOptionError('servers', `must not be given together with ${elsewhere}`)
  const { coolDown, maxCoolDown } = withDefaults(machineFailover, failover)
  if (maxCoolDown >= coolDown) return
  throw new InvalidOptionError('failover.maxCoolDown', `must be at least failover.coolDown (${coolDown})`, maxCoolDown)
}

function serverUrls({ servers, url }: ReadOptions): readonly string[] | undefined {
  return typeof servers === 'object' ? servers.map((each) => each.url) : url
}

/** Checks the logins, which are known now because there is no credentials source. */
function checkLogins(connect: ConnectConfig, url: readonly string[] | undefined): void {
  for (const each of connect.url ?? url ?? []) loginOf(new URL(each), connect, undefined)
}
