import type { TransportInput } from '../../machines/connection/types.ts'
import { InvalidOptionError } from '../api/errors.ts'
import { authenticatorOf, withoutLogin } from '../config/authentication.ts'
import type { ClientConfig, ConnectConfig, ServerConfig } from '../config/client-config.ts'
import { certificateExpiry } from '../config/node-options.ts'
import { parseConnectOptions } from '../config/parse-options.ts'
import type { Attempt } from '../mqtt/client-options.ts'
import { hostname, hostOf, serverName } from '../mqtt/server-url.ts'
import type { Session } from '../session/session.ts'
import { randomText } from '../shared/random-text.ts'
import type { CurrentCredentials } from './credentials.ts'
import { ProtocolVersions } from './protocol-versions.ts'
import { equalServers, type ServerList } from './server-list.ts'

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
  readonly #servers: ServerList
  readonly #session: Pick<Session, 'broker' | 'status'>
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
    servers: ServerList,
    store: ClientIdSource | undefined,
    session: Pick<Session, 'broker' | 'status'>,
  ) {
    this.#servers = servers
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

  /** The next attempt calls the functions that give the options and the servers. */
  forget(): void {
    this.#evaluatedFor = undefined
    this.#servers.forget()
  }

  /** Whether a Server Reference leads to one of the hosts of the last attempt's URLs. */
  isOwnHost(serverReference: string): boolean {
    return this.#ownHosts.includes(hostname(hostOf(serverReference) ?? ''))
  }

  /** The servers of the next attempt, as scheme, host and port; none if only functions know them, and were not called yet. */
  servers(): readonly string[] {
    const urls = this.#credentials.credentials?.url ?? this.#evaluated?.url ?? this.#config.url
    return (urls ?? this.#servers.known.map(({ url }) => url)).map(serverName)
  }

  #prepare(input: TransportInput): Attempt | Promise<Attempt> {
    const servers = this.#servers.evaluate(input)
    if (servers instanceof Promise) return servers.then((listed) => this.#withServers(listed, input))
    return this.#withServers(servers, input)
  }

  #withServers(servers: readonly ServerConfig[] | undefined, input: TransportInput): Attempt | Promise<Attempt> {
    const { connect, store, evaluateOptions } = this.#config
    if (typeof connect !== 'function') return this.#attempt(connect, servers, input)
    const isSame = this.#evaluatedFor === input.generation && this.#config.now() < this.#expiresAt
    const isCurrent = evaluateOptions === 'per-client' && isSame
    if (this.#evaluated && isCurrent) return this.#attempt(this.#evaluated, servers, input)
    return Promise.resolve(connect()).then((given) => {
      const evaluated = parseConnectOptions(given, store !== undefined)
      const attempt = this.#attempt(evaluated, servers, input)
      this.#evaluated = evaluated
      this.#evaluatedFor = input.generation
      this.#expiresAt = certificateExpiry(evaluated.tls?.cert) ?? Number.POSITIVE_INFINITY
      return attempt
    })
  }

  #attempt(connect: ConnectConfig, listed: readonly ServerConfig[] | undefined, input: TransportInput): Attempt {
    const { authentication } = connect
    const credentials = withoutLogin(this.#credentials.credentials, authentication)
    const servers = this.#listed(connect, listed)
    this.#ownHosts = servers.map(({ url }) => hostname(new URL(url).host))
    // An empty client id asks the broker for one (MQTT 5 §3.1.3.1).
    const assignedClientId = connect.clientId === '' ? this.#session.broker?.assignedClientId : undefined
    const clientId = assignedClientId ?? connect.clientId ?? this.#store?.clientId ?? this.#generatedClientId
    const requestResponseInformation = this.needsResponseInformation
    const isDraining = this.#session.status.outbox.inFlight > 0
    const { url, choice } = this.#servers.choose(servers, input, isDraining)
    const trial = hasVersion(connect) ? undefined : (this.#versions ??= new ProtocolVersions()).next(url)
    return {
      url,
      choice,
      clientId,
      connect: hasVersion(connect) ? connect : { ...connect, protocolVersion: trial?.version ?? 5 },
      credentials,
      authenticator: authentication && authenticatorOf(authentication, () => this.#credentials.credentials),
      assignedClientId,
      requestResponseInformation,
      trial,
    }
  }

  #listed(connect: ConnectConfig, servers: readonly ServerConfig[] | undefined): readonly ServerConfig[] {
    const { credentials } = this.#credentials
    const urls = credentials?.url ?? connect.url ?? this.#config.url
    if (servers === undefined) {
      if (urls) return equalServers(urls)
      throw new InvalidOptionError('url', 'must be given by the options or the credentials')
    }
    if (urls === undefined) return servers
    const elsewhere = credentials?.url ? 'credentials.url' : 'options.url'
    throw new InvalidOptionError('servers', `must not be given together with ${elsewhere}`)
  }
}

function hasVersion(connect: ConnectConfig): connect is Attempt['connect'] {
  return connect.protocolVersion !== 'auto'
}

/** 23 characters, as every MQTT 3.1.1 server must take (MQTT-3.1.3-5). */
export function generateClientId(): string {
  return `xstate-mqtt-${randomText(11)}`
}
