import type { TransportInput } from '../machines/connection-types.ts'
import { InvalidOptionError } from './errors.ts'
import type { Attempt } from './mqtt/client-options.ts'
import { serverUrl } from './mqtt/server-url.ts'
import type { ConnectOptions, ResilientMqttClientOptions } from './options.ts'
import { checkConnectOptions, parseUrls } from './parse-options.ts'
import type { Secrets } from './secrets.ts'

/** What knows the client id, if the application has chosen none. */
export interface ClientIdSource {
  /** `undefined` before it is open. */
  readonly clientId: string | undefined
  open(): Promise<void>
}

/** Evaluates what an attempt needs. Options are evaluated anew for each recreated client, and only then. */
export function preparation(options: ResilientMqttClientOptions, secrets: Secrets, store: ClientIdSource | undefined) {
  const generated = generateClientId()
  let evaluated: { readonly generation: number; readonly options: ConnectOptions } | undefined

  const attempt = (connect: ConnectOptions, input: TransportInput): Attempt => {
    const { credentials } = secrets
    const url = credentials?.url ?? connect.url ?? options.url
    if (url === undefined) throw new InvalidOptionError('url', 'must be given by the options or the credentials')
    const urls = parseUrls('url', url)
    const clientId = connect.clientId ?? store?.clientId ?? generated
    return { url: serverUrl(urls, input.server), clientId, options: connect, credentials, clock: options.clock }
  }

  const prepare = (input: TransportInput): Attempt | Promise<Attempt> => {
    const source = options.options
    if (typeof source !== 'function') return attempt(source ?? {}, input)
    if (evaluated?.generation === input.generation) return attempt(evaluated.options, input)
    return Promise.resolve(source()).then((connect) => {
      checkConnectOptions(connect, store !== undefined)
      const prepared = attempt(connect, input)
      evaluated = { generation: input.generation, options: connect }
      return prepared
    })
  }

  return (input: TransportInput): Attempt | Promise<Attempt> =>
    store && store.clientId === undefined ? store.open().then(() => prepare(input)) : prepare(input)
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
