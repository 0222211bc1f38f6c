import { InvalidOptionError } from '../api/errors.ts'
import type { ConnectOptions, Credentials } from '../api/options.ts'
import { userInfo } from './server-urls.ts'

/** What goes into the CONNECT packet. */
export interface Login {
  readonly username: string | undefined
  readonly password: string | Uint8Array | undefined
}

/**
 * User name and password, each from the credentials, else from the options, else from the URL.
 *
 * @throws {InvalidOptionError} for a password alone on MQTT 3.1.1, where a broker has to close the connection
 *   (MQTT-3.1.2-22)
 */
export function loginOf(
  url: URL,
  options: Pick<ConnectOptions, 'username' | 'password' | 'protocolVersion'>,
  credentials: Credentials | undefined,
): Login {
  const username = credentials?.username ?? options.username ?? userInfo(url.username)
  const password = credentials?.password ?? options.password ?? userInfo(url.password)
  if (password === undefined || username !== undefined || options.protocolVersion === 5) return { username, password }
  const option =
    (credentials?.password !== undefined && 'credentials.password') ||
    (options.password !== undefined && 'options.password') ||
    'url'
  throw new InvalidOptionError(option, 'needs a user name with the password, unless the protocol is MQTT 5')
}
