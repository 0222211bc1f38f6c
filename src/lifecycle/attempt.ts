import type { TransportInput } from '../../machines/connection/types.ts'
import { InvalidOptionError } from '../api/errors.ts'
import type { Attempt } from '../mqtt/client-options.ts'
import { hostname, hostOf, serverUrl } from '../mqtt/server-url.ts'
import type { ConnectOptions, ResilientMqttClientOptions } from '../api/options.ts'
import { parseConnectOptions } from '../config/parse-options.ts'
import type { Secrets } from './credentials.ts'
import { parseUrls } from '../config/server-urls.ts'

/** What knows the client id, if the application has chosen none. */
export interface ClientIdSource {
  /** `undefined` before it is open. */
  readonly clientId: string | undefined
  open(): Promise<void>
}

export interface Preparation {
  /** Evaluates what an attempt needs. */
  readonly prepare: (input: TransportInput) => Attempt | Promise<Attempt>
  /**
   * The client id under which the broker is to keep our session, `null` if it is not to; `undefined` as long as that
   * depends on a function that was not called, or on a store that is not open.
   */
  readonly keptSession: () => string | null | undefined
  /** Evaluates the options anew at the next attempt. */
  readonly forget: () => void
  /** Whether a Server Reference leads to a host that the last attempt knew by its URLs. */
  readonly isOwnHost: (serverReference: string) => boolean
}

/** Options are evaluated for each recreated client, and else only after `forget`. */
export function preparation(
  options: ResilientMqttClientOptions,
  secrets: Secrets,
  store: ClientIdSource | undefined,
): Preparation {
  const generated = generateClientId()
  const hasStore = store !== undefined
  const source =
    typeof options.options === 'function' ? options.options : parseConnectOptions(options.options ?? {}, hasStore)
  let evaluated: ConnectOptions | undefined
  let evaluatedFor: number | undefined
  let ownHosts: readonly string[] = []

  const attempt = (connect: ConnectOptions, input: TransportInput): Attempt => {
    const { credentials } = secrets
    const url = credentials?.url ?? connect.url ?? options.url
    if (url === undefined) throw new InvalidOptionError('url', 'must be given by the options or the credentials')
    const urls = parseUrls('url', url)
    ownHosts = urls.map((each) => hostname(new URL(each).host))
    const clientId = connect.clientId ?? store?.clientId ?? generated
    return { url: serverUrl(urls, input.server), clientId, options: connect, credentials, clock: options.clock }
  }

  const prepare = (input: TransportInput): Attempt | Promise<Attempt> => {
    if (typeof source !== 'function') return attempt(source, input)
    if (evaluated && evaluatedFor === input.generation) return attempt(evaluated, input)
    return Promise.resolve(source()).then((given) => {
      const connect = parseConnectOptions(given, hasStore)
      const prepared = attempt(connect, input)
      evaluated = connect
      evaluatedFor = input.generation
      return prepared
    })
  }

  return {
    prepare: (input) =>
      store && store.clientId === undefined ? store.open().then(() => prepare(input)) : prepare(input),
    keptSession: () => {
      const connect = typeof source === 'function' ? evaluated : source
      // With an expiry of 0 it ends with the connection (MQTT 5 §3.1.2.11.2).
      const kept = connect?.clean === false && !(connect.protocolVersion === 5 && connect.sessionExpiry === 0)
      if (kept) return connect.clientId || store?.clientId
      return connect && null
    },
    forget: () => {
      evaluatedFor = undefined
    },
    isOwnHost: (serverReference) => ownHosts.includes(hostname(hostOf(serverReference) ?? '')),
  }
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
