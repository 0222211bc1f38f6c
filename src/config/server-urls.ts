import { InvalidOptionError } from '../api/errors.ts'
import { parseUrl } from '../shared/parse-url.ts'
import { isText } from './mqtt-text.ts'

const SCHEMES = new Set(['mqtt:', 'mqtts:', 'ws:', 'wss:'])

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
      throw new InvalidOptionError(option, 'must be a string with a URL, such as mqtt://localhost:1883')
    }
    const { protocol, hostname: host, username, password } = parsed
    if (!SCHEMES.has(protocol)) {
      const hint = protocol.includes('unix') ? ' (for a Unix socket, see options.socket)' : ''
      throw new InvalidOptionError(option, `must begin with mqtt:, mqtts:, ws: or wss:${hint}`, protocol)
    }
    if (host === '') throw new InvalidOptionError(option, 'must have a host, such as mqtt://localhost:1883')
    if (!isUserInfo(username) || !isUserInfo(password)) {
      throw new InvalidOptionError(option, 'must have a user name and password in percent-encoded UTF-8')
    }
  }
  return Object.freeze(urls as string[])
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
