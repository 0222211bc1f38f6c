import { InvalidOptionError } from '../api/errors.ts'
import type { ServerOptions } from '../api/servers.ts'
import { group, wholeNumber } from '../shared/option-rules.ts'
import { parseUrl } from '../shared/parse-url.ts'
import { didYouMean, type RulesFor } from '../shared/read-options.ts'
import type { ServerConfig } from './client-config.ts'
import { defaultServer } from './defaults.ts'
import { isText } from './mqtt-text.ts'
import { nodeOptions } from './node-options.ts'

/** MQTT.js would open a WebSocket for `mqtt:` in a browser, on a port where the broker expects none. */
const schemes = nodeOptions
  ? {
      allowed: ['mqtt:', 'mqtts:', 'ws:', 'wss:'],
      rule: 'mqtt:, mqtts:, ws: or wss:',
      example: 'mqtt://localhost:1883',
    }
  : {
      allowed: ['ws:', 'wss:'],
      rule: 'ws: or wss: in a browser, which has no TCP sockets: use the WebSocket listener of the broker',
      example: 'wss://example.com/mqtt',
    }

/**
 * Returns the servers to connect to, in a frozen copy of the list.
 *
 * @throws {InvalidOptionError} if there is none, or if one is not an MQTT URL. The error never shows credentials
 */
export function parseUrls(option: string, url: unknown): readonly string[] {
  const urls = Array.isArray(url) ? Array.from<unknown>(url) : [url]
  if (urls.length === 0 || !(typeof url === 'string' || Array.isArray(url))) {
    throw new InvalidOptionError(option, 'must be a string with a URL, or a list of at least one')
  }
  for (const candidate of urls) {
    const parsed = typeof candidate === 'string' ? parseUrl(candidate) : undefined
    if (!parsed) {
      // Without the value: a password in it could not be recognized.
      throw new InvalidOptionError(option, `must be a string with a URL, such as ${schemes.example}`)
    }
    const { protocol, hostname: host, username, password } = parsed
    if (HOST_AND_PORT.test(candidate as string)) {
      throw new InvalidOptionError(option, `must begin with ${schemes.rule}`, candidate)
    }
    if (!schemes.allowed.includes(protocol)) {
      const hint = protocol.includes('unix') ? ' (for a Unix socket, see options.socket)' : ''
      throw new InvalidOptionError(option, `must begin with ${schemes.rule}${hint}`, protocol)
    }
    if (host === '') throw new InvalidOptionError(option, missingHost())
    if (!isUserInfo(username) || !isUserInfo(password)) {
      throw new InvalidOptionError(option, 'must have a user name and password in percent-encoded UTF-8')
    }
  }
  return Object.freeze(urls as string[])
}

/** `localhost:1883`, which is a URL of the scheme `localhost:`. */
const HOST_AND_PORT = /^[a-z\d.-]+:\d{1,5}$/i

/** The class `URL` of React Native finds hosts in `http:` and `https:` URLs only. */
function missingHost(): string {
  if (parseUrl('ws://host')?.hostname === 'host') return `must have a host, such as ${schemes.example}`
  return "can't be parsed by the URL class of this runtime: import react-native-url-polyfill/auto first"
}

/** Of MQTT.js's option `servers`. */
const PARTS_OF_URL = new Set(['protocol', 'host', 'hostname', 'port', 'path'])

const server = group(
  {
    url: (option, value) => parseUrls(option, [value])[0],
    priority: wholeNumber(0, 65_535),
    weight: wholeNumber(0, 65_535),
  } satisfies RulesFor<ServerOptions>,
  (name, known) => (PARTS_OF_URL.has(name) ? 'see url' : didYouMean(name, known)),
)

/** Does the same as `parseServerList` for the option itself, which may be a function instead. */
export function parseServers(option: string, value: unknown): readonly ServerConfig[] {
  if (!Array.isArray(value)) {
    throw new InvalidOptionError(option, 'must be a list of at least one server, or a function that returns one')
  }
  return parseServerList(option, value)
}

/**
 * Checks a list of servers and completes it with the defaults, in a frozen copy.
 *
 * @throws {InvalidOptionError} if it is not a list or is empty, or if a server is wrong. The error never shows credentials
 */
export function parseServerList(option: string, value: unknown): readonly ServerConfig[] {
  if (!Array.isArray(value) || value.length === 0) {
    throw new InvalidOptionError(option, 'must be a list of at least one server')
  }
  return Object.freeze(
    Array.from<unknown>(value).map((each, index) => {
      const path = `${option}[${index}]`
      if (typeof each !== 'string' && (typeof each !== 'object' || each === null)) {
        // Without the value: a password in it could not be recognized.
        throw new InvalidOptionError(path, 'must be a URL, or an object with one: { url }')
      }
      const given = server(path, typeof each === 'string' ? { url: each } : each) as ServerOptions
      if (given.url === undefined) throw new InvalidOptionError(`${path}.url`, 'must be given')
      return Object.freeze({ ...defaultServer, ...given })
    }),
  )
}

/** Decodes the user name or the password of a URL. */
export function userInfo(encoded: string): string | undefined {
  return encoded === '' ? undefined : decodeURIComponent(encoded)
}

function isUserInfo(encoded: string): boolean {
  try {
    return isText(decodeURIComponent(encoded))
  } catch {
    return false
  }
}
