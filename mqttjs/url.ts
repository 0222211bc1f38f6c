import type { IClientOptions } from 'mqtt'

import { parseUrl } from '../src/shared/parse-url.ts'

/** How MQTT.js's protocols are called in our URLs, and their ports. */
const SCHEMES: Readonly<Record<string, readonly [scheme: string, port: number]>> = {
  mqtt: ['mqtt', 1883],
  tcp: ['mqtt', 1883],
  mqtts: ['mqtts', 8883],
  ssl: ['mqtts', 8883],
  tls: ['mqtts', 8883],
  ws: ['ws', 80],
  wss: ['wss', 443],
}

/** With a key and a certificate, MQTT.js takes the secure protocol instead. */
const SECURE: Readonly<Record<string, string>> = { mqtt: 'mqtts', tcp: 'mqtts', ws: 'wss' }

/**
 * Completes options in place, as MQTT.js does: the URL gives what they do not, and their parts are made consistent.
 *
 * @throws {Error} if the protocol is missing, or is none that this package has
 */
export function completeOptions<Options extends IClientOptions>(url: string | undefined, given: Options): Options {
  const options: Options = url ? { ...partsOf(url), ...given } : given
  options.protocol = options.protocol?.replace(/:$/, '') as NonNullable<IClientOptions['protocol']>
  if (options.protocol?.includes('+unix')) {
    options.unixSocket = true
    options.protocol = options.protocol.replace('+unix', '') as NonNullable<IClientOptions['protocol']>
  }
  if (options.auth) {
    const [, username = options.auth, password] = /^(.+):(.+)$/.exec(options.auth) ?? []
    options.username = username
    if (password !== undefined) options.password = password
  }
  if (typeof options.query?.clientId === 'string') options.clientId = options.query.clientId
  if (options.cert && options.key) {
    if (!options.protocol) throw new Error('Missing secure protocol key')
    options.protocol = (SECURE[options.protocol] ?? options.protocol) as NonNullable<IClientOptions['protocol']>
  }
  options.protocol ??= 'mqtt'
  options.defaultProtocol = options.protocol
  const [, defaultPort] = schemeOf(options.protocol)
  if (!options.servers?.length && !options.unixSocket) {
    // Applications show them.
    options.hostname ??= options.host ?? 'localhost'
    options.port ??= defaultPort
  }
  if (options.clean === false && !options.clientId) throw new Error('Missing clientId for unclean clients')
  return options
}

/**
 * The URLs to connect to, one for each of `servers`, without user name and password.
 *
 * @throws {Error} if a protocol is none that this package has
 */
export function serverUrls(options: IClientOptions): string[] {
  const { servers, hostname, host, port, protocol, defaultProtocol, path } = options
  const only = { host: hostname ?? host, port, protocol }
  return (servers?.length ? servers : [only]).map((server) => {
    const [scheme, defaultPort] = schemeOf(server.protocol ?? defaultProtocol ?? 'mqtt')
    const name = options.unixSocket ? 'localhost' : (server.host ?? 'localhost')
    const inUrl = name.includes(':') && !name.startsWith('[') ? `[${name}]` : name
    return `${scheme}://${inUrl}:${server.port ?? defaultPort}${scheme.startsWith('ws') ? (path ?? '/') : ''}`
  })
}

function schemeOf(protocol: string): readonly [scheme: string, port: number] {
  const scheme = SCHEMES[protocol]
  if (!scheme) throw new Error(`Unknown protocol "${protocol}": xstate-mqtt has mqtt, mqtts, ws and wss`)
  return scheme
}

function partsOf(url: string): IClientOptions {
  const relative =
    url.startsWith('/') && typeof location === 'object' ? location.href.replace(/^http/, 'ws') : undefined
  const parsed = parseUrl(url, relative)
  if (!parsed?.protocol) throw new Error('Missing protocol')
  const { protocol, hostname, port, pathname, search, searchParams, username, password } = parsed
  const login = [username, password].filter((each) => each !== '').map((each) => decodeURIComponent(each))
  return {
    ...(port !== '' && { port: Number(port) }),
    host: hostname.replace(/^\[(.*)\]$/, '$1'),
    query: Object.fromEntries(searchParams),
    ...(login.length > 0 && { auth: login.join(':') }),
    protocol: protocol as NonNullable<IClientOptions['protocol']>,
    ...(pathname + search !== '' && { path: pathname + search }),
  }
}
