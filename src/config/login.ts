import type { Credentials } from '../api/credentials.ts'
import { InvalidOptionError } from '../api/errors.ts'
import type { ConnectOptions } from '../api/options.ts'
import { userInfo } from './server-urls.ts'

/** The user name and password of the CONNECT packet. */
export interface Login {
  readonly username: string | undefined
  readonly password: string | Uint8Array | undefined
}

/**
 * Returns the user name and password. Each is taken from the credentials, else from the options, else from the URL.
 *
 * @throws {InvalidOptionError} for a password without a user name on MQTT 3.1.1, which does not allow it
 *   (MQTT-3.1.2-22)
 */
export function loginOf(
  url: URL,
  options: Pick<ConnectOptions, 'username' | 'password' | 'protocolVersion'>,
  credentials: Pick<Credentials, 'username' | 'password'> | undefined,
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
