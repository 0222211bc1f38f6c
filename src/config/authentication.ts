import type { Authentication, AuthenticationExchange, AuthenticationRequest } from '../api/authentication.ts'
import type { Credentials } from '../api/credentials.ts'
import { InvalidOptionError } from '../api/errors.ts'
import type { ConnectOptions } from '../api/options.ts'
import { boolean, callback } from '../shared/option-rules.ts'
import { isObject, type RulesFor } from '../shared/read-options.ts'
import { textEncoder } from '../shared/text-coders.ts'
import { bytesInSecret, text } from './mqtt-text.ts'

export const authenticationRules = {
  method: text,
  start: callback,
  reauthenticate: boolean,
} satisfies RulesFor<Authentication>

const PATH = 'options.authentication'

/**
 * Checks the option together with others.
 *
 * @throws {InvalidOptionError} if it has no method, or MQTT 3.1.1 might be used, which would connect without it
 */
export function checkAuthentication({
  authentication,
  protocolVersion,
}: Pick<ConnectOptions, 'authentication' | 'protocolVersion'>): void {
  if (!authentication) return
  if (!authentication.method) throw new InvalidOptionError(`${PATH}.method`, 'must be given')
  if (protocolVersion === 5) return
  throw new InvalidOptionError(PATH, 'needs protocolVersion: 5, because MQTT 3.1.1 has no AUTH', protocolVersion)
}

/** Begins exchanges of one Authentication Method, whose results are checked. */
export interface Authenticator {
  readonly method: string
  /** Whether credentials are renewed on the open connection. */
  readonly reauthenticates: boolean
  /** @throws what the function of the application throws, and InvalidOptionError for a wrong result */
  start(request: Pick<AuthenticationRequest, 'reauthentication' | 'signal'>): Promise<Exchange>
}

/** An exchange that is checked. Its functions throw what those of the application throw, and InvalidOptionError. */
export interface Exchange {
  readonly data: Uint8Array | undefined
  respond(challenge: Uint8Array): Promise<Uint8Array | undefined>
  /** Is absent if everything is accepted. */
  readonly verify: ((data: Uint8Array | undefined) => Promise<void>) | undefined
}

/** @param credentials - gives those that are current when an exchange begins */
export function authenticatorOf(
  { method, start, reauthenticate = true }: Authentication,
  credentials: () => Omit<Credentials, 'url'> | undefined,
): Authenticator {
  return {
    method,
    reauthenticates: reauthenticate,
    start: async (request) => {
      const current = credentials()
      return exchangeOf(
        start ? await start({ ...request, credentials: current }) : { data: current?.authenticationData },
      )
    },
  }
}

/** @returns the credentials for the CONNECT: see `Authentication.start` */
export function withoutLogin<Given extends Omit<Credentials, 'url'>>(
  credentials: Given | undefined,
  authentication: Authentication | undefined,
): Given | undefined {
  if (credentials?.authenticationData !== undefined && !authentication) {
    throw new InvalidOptionError('credentials.authenticationData', `needs ${PATH}`)
  }
  if (!credentials || !authentication?.start) return credentials
  const { username: _username, password: _password, ...others } = credentials
  return others as Given
}

/** The functions are called as methods, because the exchange may be an object of a class. */
function exchangeOf(given: AuthenticationExchange | undefined): Exchange {
  const exchange = given ?? {}
  if (!isObject(exchange)) throw new InvalidOptionError(`${PATH}.start`, 'must return an object, or nothing')
  for (const name of ['respond', 'verify'] as const) {
    if (exchange[name] !== undefined) callback(`${PATH}.start().${name}`, exchange[name])
  }
  return {
    data: bytesOf(exchange.data, 'data'),
    respond: async (challenge) => {
      if (!exchange.respond) {
        throw new InvalidOptionError(`${PATH}.start`, 'must return respond(), because the server has sent a challenge')
      }
      return bytesOf(await exchange.respond(challenge), 'respond()')
    },
    verify:
      exchange.verify &&
      (async (data) => {
        if ((await exchange.verify?.(data)) === false) throw new ServerRefusedError('verify has returned false')
      }),
  }
}

class ServerRefusedError extends Error {
  override readonly name = 'ServerRefusedError'
}

function bytesOf(given: unknown, name: string): Uint8Array | undefined {
  if (given === undefined) return undefined
  const data = bytesInSecret(`${PATH}.start().${name}`, given) as string | Uint8Array
  return typeof data === 'string' ? textEncoder().encode(data) : data
}
