import { type ConnectionInput, type RedirectPolicy, withDefaults } from '../../machines/config.ts'
import type { BackoffPolicy } from '../../machines/policy/backoff.ts'
import { defaultReconnect, exponentialRecovery } from '../../machines/policy/recovery.ts'
import { checkClientRules, checkConnectRules } from './client-rules.ts'
import { InvalidOptionError } from '../api/errors.ts'
import { isObject } from '../shared/option-rules.ts'
import { loginOf } from './login.ts'
import type { ConnectOptions, ResilientMqttClientOptions } from '../api/options.ts'
import { parseProperties, parseUserProperties } from './publish-properties.ts'
import { parseUrls } from './server-urls.ts'
import { defaultQuarantine } from './defaults.ts'

/**
 * Checks the options of a client, all of them, before anything happens.
 *
 * @throws {InvalidOptionError} naming the option, the rule and the value
 */
export function checkOptions(options: ResilientMqttClientOptions): void {
  // Not what it is: a URL may hold a password.
  if (!isObject(options)) throw new InvalidOptionError('url', 'must be given in an object: { url }')
  checkClientRules(options)
  const { url, credentials, options: connect = {} } = options
  if (url === undefined && options.options === undefined && credentials === undefined) {
    throw new InvalidOptionError('url', 'must be given, unless options or credentials give it')
  }
  checkTier('reconnect', withDefaults(defaultReconnect, options.reconnect))
  checkTier('recovery', withDefaults(exponentialRecovery, options.recovery))
  checkTier('quarantine', withDefaults(defaultQuarantine, options.quarantine))
  if (typeof connect === 'function') return
  checkSession(connect, options.store !== undefined)
  const urls = connect.url ?? url
  if (credentials !== undefined || urls === undefined) return
  for (const each of parseUrls('url', urls)) loginOf(new URL(each), connect, undefined)
}

/**
 * Checks how to connect, when a function gave it, and makes a copy of its own of what goes into the CONNECT packet: what
 * the application does with the object later reaches no packet.
 *
 * @param hasStore - which keeps the client id
 * @throws {InvalidOptionError}
 */
export function parseConnectOptions(options: ConnectOptions, hasStore: boolean): ConnectOptions {
  checkConnectRules(options)
  checkSession(options, hasStore)
  const { will, userProperties, ...others } = options
  const user = parseUserProperties(userProperties, 'options.userProperties')
  const properties = parseProperties(will?.properties, 'options.will.properties')
  return Object.freeze({
    ...others,
    ...(will && { will: { ...will, properties } as NonNullable<ConnectOptions['will']> }),
    ...(user && { userProperties: user }),
  })
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

function checkSession({ clean, clientId }: ConnectOptions, hasStore: boolean): void {
  if (clean !== false || clientId || hasStore) return
  throw new InvalidOptionError(
    'options.clientId',
    'must be given with clean: false, so that the session is found again, or else a store',
  )
}

/** @throws {InvalidOptionError} */
export function checkTier(
  tier: string,
  { initialDelay, maxDelay }: Pick<BackoffPolicy, 'initialDelay' | 'maxDelay'>,
): void {
  if (maxDelay >= initialDelay) return
  throw new InvalidOptionError(`${tier}.maxDelay`, `must be at least ${tier}.initialDelay (${initialDelay})`, maxDelay)
}
