import { InvalidOptionError } from './errors.ts'
import type { ResilientMqttClientOptions } from './options.ts'

const known: Readonly<Record<keyof ResilientMqttClientOptions, 'group' | 'single'>> = {
  url: 'single',
  options: 'single',
  credentials: 'single',
  refreshBefore: 'single',
  reconnect: 'group',
  recovery: 'group',
  timeouts: 'group',
  redirect: 'group',
  outbox: 'group',
  subscriptions: 'group',
  onTakeover: 'single',
  classify: 'single',
  random: 'single',
  now: 'single',
  store: 'single',
  responseTopic: 'single',
  gate: 'single',
  logger: 'single',
  inspect: 'single',
  clock: 'single',
}

/** Where those stand that MQTT.js has at the top. */
const places: Readonly<Record<string, readonly string[]>> = {
  url: ['host', 'hostname', 'port', 'protocol', 'servers'],
  options: ['clientId', 'username', 'password', 'keepalive', 'protocolVersion', 'clean', 'will', 'wsOptions', 'tls'],
  'options.tls': ['ca', 'cert', 'key', 'pfx', 'passphrase', 'servername', 'rejectUnauthorized'],
  reconnect: ['reconnectPeriod', 'maxAttempts', 'initialDelay', 'maxDelay'],
  timeouts: ['connectTimeout'],
}

/**
 * Checks the names of options: one that is misspelt, or that MQTT.js has, would do nothing, and nobody would know.
 *
 * @throws {InvalidOptionError} without the value, which may be a password
 */
export function checkNames(options: object): void {
  for (const [name, value] of Object.entries(options)) {
    if (value === undefined) continue
    if (!Object.hasOwn(known, name)) throw unknown(name)
    if (known[name as keyof typeof known] === 'group' && !isObject(value)) {
      throw new InvalidOptionError(name, 'must be an object', value)
    }
  }
}

export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function unknown(name: string): InvalidOptionError {
  const [place] = Object.entries(places).find(([, names]) => names.includes(name)) ?? []
  return new InvalidOptionError(name, `is no option of the client${place ? `: see ${place}` : ''}`)
}
