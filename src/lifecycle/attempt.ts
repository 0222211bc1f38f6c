import type { TransportInput } from '../../machines/connection/types.ts'
import { InvalidOptionError } from '../api/errors.ts'
import type { ClientConfig, ConnectConfig } from '../config/client-config.ts'
import { certificateExpiry } from '../config/node-options.ts'
import { parseConnectOptions } from '../config/parse-options.ts'
import type { Attempt } from '../mqtt/client-options.ts'
import { hostname, hostOf, serverName, serverUrl } from '../mqtt/server-url.ts'
import type { Session } from '../session/session.ts'
import type { CurrentCredentials } from './credentials.ts'
import { ProtocolVersions } from './protocol-versions.ts'

/** Keeps the client id that was generated, if the application chose none. */
export interface ClientIdSource {
  /** `undefined` before it is open. */
  readonly clientId: string | undefined
  open(): Promise<void>
}

/**
 * Evaluates what each attempt to connect needs: options, credentials, server and client id. A function that gives the
 * options is called for each attempt, if the application wants that, or else for each recreated client, once the client
 * certificate that it gave has expired, and otherwise only after `forget`.
 */
export class Attempts {
  /** Whether to ask the broker for Response Information: a request has needed a response topic. */
  needsResponseInformation = false
  readonly #config: ClientConfig
  readonly #credentials: CurrentCredentials
  readonly #store: ClientIdSource | undefined
  readonly #session: Pick<Session, 'broker'>
  readonly #generatedClientId = generateClientId()
  #evaluated: ConnectConfig | undefined
  /** The generation of the client that it was evaluated for; `undefined` if it is to be evaluated anew. */
  #evaluatedFor: number | undefined
  /** When the client certificate of the function's options expires, in milliseconds since 1970. */
  #expiresAt = Number.POSITIVE_INFINITY
  #ownHosts: readonly string[] = []
  #versions: ProtocolVersions | undefined

  constructor(
    config: ClientConfig,
    credentials: CurrentCredentials,
    store: ClientIdSource | undefined,
    session: Pick<Session, 'broker'>,
  ) {
    this.#session = session
    this.#config = config
    this.#credentials = credentials
    this.#store = store
    if (typeof config.connect !== 'function') this.#evaluated = config.connect
  }

  /**
   * Evaluates the next attempt. It resolves later if a function or the store has to be waited for.
   *
   * @throws {InvalidOptionError} if what a function gave is wrong, or no URL is given
   * @throws {StoreError} if the store can't be opened
   */
  prepare(input: TransportInput): Attempt | Promise<Attempt> {
    const store = this.#store
    return store && store.clientId === undefined ? store.open().then(() => this.#prepare(input)) : this.#prepare(input)
  }

  /**
   * The client id under which the broker is to keep our session; `null` if it is not to keep it; `undefined` as long as
   * that depends on a function that was not called yet, or on a store that is not open.
   */
  keptClientId(): string | null | undefined {
    const connect = this.#evaluated
    // With an expiry of 0 the session ends with the connection (MQTT 5 §3.1.2.11.2).
    const isKept = connect?.clean === false && !(connect.protocolVersion !== 4 && connect.sessionExpiry === 0)
    if (isKept) return connect.clientId || this.#store?.clientId
    return connect && null
  }

  /** The next attempt calls the function that gives the options. */
  forget(): void {
    this.#evaluatedFor = undefined
  }

  /** Whether a Server Reference leads to one of the hosts of the last attempt's URLs. */
  isOwnHost(serverReference: string): boolean {
    return this.#ownHosts.includes(hostname(hostOf(serverReference) ?? ''))
  }

  /** The servers of the next attempt, as scheme, host and port; none if only functions know them, and were not called yet. */
  servers(): readonly string[] {
    const urls = this.#credentials.credentials?.url ?? this.#evaluated?.url ?? this.#config.url ?? []
    return urls.map(serverName)
  }

  #prepare(input: TransportInput): Attempt | Promise<Attempt> {
    const { connect, store, evaluateOptions } = this.#config
    if (typeof connect !== 'function') return this.#attempt(connect, input)
    const isSame = this.#evaluatedFor === input.generation && this.#config.now() < this.#expiresAt
    const isCurrent = evaluateOptions === 'per-client' && isSame
    if (this.#evaluated && isCurrent) return this.#attempt(this.#evaluated, input)
    return Promise.resolve(connect()).then((given) => {
      const evaluated = parseConnectOptions(given, store !== undefined)
      const attempt = this.#attempt(evaluated, input)
      this.#evaluated = evaluated
      this.#evaluatedFor = input.generation
      this.#expiresAt = certificateExpiry(evaluated.tls?.cert) ?? Number.POSITIVE_INFINITY
      return attempt
    })
  }

  #attempt(connect: ConnectConfig, { server }: TransportInput): Attempt {
    const { credentials } = this.#credentials
    const urls = this.#urls(connect)
    this.#ownHosts = urls.map((each) => hostname(new URL(each).host))
    // An empty client id asks the broker for one (MQTT 5 §3.1.3.1).
    const assignedClientId = connect.clientId === '' ? this.#session.broker?.assignedClientId : undefined
    const clientId = assignedClientId ?? connect.clientId ?? this.#store?.clientId ?? this.#generatedClientId
    const requestResponseInformation = this.needsResponseInformation
    const url = serverUrl(urls, server)
    const trial = hasVersion(connect) ? undefined : (this.#versions ??= new ProtocolVersions()).next(url)
    return {
      url,
      clientId,
      connect: hasVersion(connect) ? connect : { ...connect, protocolVersion: trial?.version ?? 5 },
      credentials,
      assignedClientId,
      requestResponseInformation,
      trial,
    }
  }

  #urls(connect: ConnectConfig): readonly string[] {
    const urls = this.#credentials.credentials?.url ?? connect.url ?? this.#config.url
    if (urls === undefined) throw new InvalidOptionError('url', 'must be given by the options or the credentials')
    return urls
  }
}

function hasVersion(connect: ConnectConfig): connect is Attempt['connect'] {
  return connect.protocolVersion !== 'auto'
}

/** 23 characters, as every MQTT 3.1.1 server must take (MQTT-3.1.3-5). */
export function generateClientId(): string {
  return `xstate-mqtt-${randomText(11)}`
}

/** Digits and lower-case letters. */
export function randomText(length: number): string {
  const random = crypto.getRandomValues(new Uint8Array(length))
  return Array.from(random, (byte) => (byte % 36).toString(36)).join('')
}
