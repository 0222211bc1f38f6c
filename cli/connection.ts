import type { ConnectOptions, ResilientMqttClientOptions, Will } from '../src/api/options.ts'
import { checkOptions } from './check-options.ts'
import { oneOf, UsageError } from './command.ts'
import { readConfigFile, type ConfigFile } from './config-file.ts'
import { findIn, type ConnectionValues, type Find, type Given } from './connection-flags.ts'
import { loginOf, tlsOf } from './connection-secrets.ts'
import { brokersOf, targetOf, urlsOf } from './connection-target.ts'
import { parseSeconds } from './duration.ts'
import type { Shell } from './shell.ts'

/** The broker, and how to connect to it. */
export interface Connection {
  /** The options of the client. They are checked. */
  readonly options: ConnectionOptions
  /** The brokers without any secret, for people. */
  readonly brokers: readonly string[]
  /** The paths of the files with `options.options.tls`, by its options, as far as they are known. */
  readonly tlsFiles: TlsFiles
  /** Lines for stderr. */
  readonly warnings: readonly string[]
}

export type TlsFiles = Readonly<Partial<Record<TlsFile, string>>>

const TLS_FILES = ['ca', 'cert', 'key', 'pfx'] as const

type TlsFile = (typeof TLS_FILES)[number]

export type ConnectionOptions = ResilientMqttClientOptions & { readonly options: ConnectOptions }

export interface ConnectionExtras {
  /** The URL, if the command takes it as an argument without a flag. */
  readonly url?: string | undefined
  /** The URL if there is none. @default that is an error */
  readonly defaultUrl?: string
  /** What comes from other flags of the command. The config file does not change it. */
  readonly options?: ConnectOptions
  /** The flags of `options`, by the path of the option, such as `options.clean`. */
  readonly flags?: Readonly<Record<string, string>>
}

/**
 * Reads how to connect: from flags, else from environment variables, else from the config file.
 *
 * @throws {UsageError} with the flag, the variable or the file that is wrong, and never with a secret
 */
export function readConnection(
  values: ConnectionValues,
  { env }: Pick<Shell, 'env'>,
  extras: ConnectionExtras = {},
): Connection {
  const find = findIn(values, env)
  const file = readConfigFile(values.config, env)
  const target = targetOf(values, find, extras.url)
  const warnings: string[] = []
  const ofThisBroker = forTarget(file, target, warnings)
  const { url, servers, failover, options: connect, ...others } = ofThisBroker
  const { url: connectUrl, username, password, tls: tlsOfFile, ...ofFile } = connect
  const login = { ...(username !== undefined && { username }), ...(password !== undefined && { password }) }
  const tls = tlsOf(values, find, { fromFile: tlsOfFile, target })
  const options: ConnectionOptions = {
    ...others,
    ...serverOf(target, { url: connectUrl ?? url ?? extras.defaultUrl, servers, failover }),
    options: {
      protocolVersion: 'auto',
      ...ofFile,
      ...loginOf(find, { target, file: { ...login, urls: urlsOf(ofThisBroker) } }),
      ...ofFlags(values, find),
      ...extras.options,
      ...(tls && { tls }),
    },
  }
  const sourceOf = sourcesIn(find, target, file)
  checkOptions(options, (option) => extras.flags?.[option] ?? sourceOf(option))
  if (tls?.rejectUnauthorized === false) warnings.push(INSECURE)
  return { options, brokers: brokersOf(options), tlsFiles: tlsFilesOf(find, file), warnings }
}

function tlsFilesOf(find: Find, file: ConfigFile | undefined): TlsFiles {
  const paths = TLS_FILES.flatMap((name) => {
    const path = (name === 'pfx' ? undefined : find(name)?.text) ?? file?.files[`options.tls.${name}`]
    return path === undefined ? [] : [[name, path] as const]
  })
  return Object.fromEntries(paths)
}

const INSECURE =
  'the certificate of the broker is not verified: anyone on the network path can read and change everything'

/** The options of the config file. A login in it, also one in a URL, is for its own brokers: no other broker gets it. */
function forTarget(file: ConfigFile | undefined, target: Given | undefined, warnings: string[]): ConnectionOptions {
  const { options: connect = {}, ...others } = file?.options ?? {}
  const brokers = file && target ? brokersOf(file.options) : []
  const isOwn = target && brokersOf({ url: target.text }).every((each) => brokers.includes(each))
  if (brokers.length === 0 || isOwn) return { ...others, options: connect }
  const { url: _url, servers: _servers, ...rest } = others
  const { url: _connectUrl, username, password, tls, ...open } = connect
  const { cert, key, pfx, passphrase, ...openTls } = tls ?? {}
  if ([username, password, cert, key, pfx, passphrase].some((each) => each !== undefined)) {
    warnings.push(`the login in ${file?.path} is not used: it is for ${brokers.join(', ')}`)
  }
  return { ...rest, options: { ...open, tls: openTls } }
}

type Server = Pick<ResilientMqttClientOptions, 'url' | 'servers' | 'failover'>

function serverOf(
  target: Given | undefined,
  { url, servers, failover }: { readonly [Name in keyof Server]: Server[Name] | undefined },
): Server {
  if (target) return { url: target.text }
  if (servers !== undefined) return { servers, ...(failover && { failover }) }
  if (url === undefined) throw new UsageError('the URL of the broker is missing: give --url, or set MQTT_URL')
  return { url }
}

function ofFlags(values: ConnectionValues, find: Find): ConnectOptions {
  const [protocol, clientId, keepalive] = [find('protocol'), find('client-id'), find('keepalive')]
  const will = willOf(values, find)
  return {
    ...(protocol && { protocolVersion: protocolVersion(protocol) }),
    ...(clientId && { clientId: clientId.text }),
    ...(keepalive && { keepalive: keepAliveOf(keepalive) }),
    ...(will && { will }),
  }
}

function willOf(values: ConnectionValues, find: Find): Will | undefined {
  const [topic, payload, qos] = [find('will-topic'), find('will-payload'), find('will-qos')]
  const stray = payload?.from ?? qos?.from ?? (values['will-retain'] ? '--will-retain' : undefined)
  if (!topic) {
    if (stray !== undefined) throw new UsageError(`${stray} needs --will-topic`)
    return undefined
  }
  return {
    topic: topic.text,
    payload: payload?.text ?? '',
    ...(qos && { qos: Number(oneOf(qos.from, qos.text, ['0', '1', '2'])) as 0 | 1 | 2 }),
    ...(values['will-retain'] && { retain: true }),
  }
}

/** The rule of the library in the unit of the flag. */
function keepAliveOf({ text, from }: Given): number {
  const keepalive = parseSeconds(from, text)
  if (keepalive === 0 || (keepalive >= 1_000 && keepalive <= 65_535_000)) return keepalive
  throw new UsageError(`${from} must be 0, or between 1s and 65535s, got '${text}'`)
}

const versions: Readonly<Record<string, 4 | 5 | 'auto'>> = {
  '3.1.1': 4,
  '4': 4,
  '5': 5,
  auto: 'auto',
  // As in mosquitto_sub.
  '311': 4,
  mqttv311: 4,
  mqttv5: 5,
}

function protocolVersion({ text, from }: Given): 4 | 5 | 'auto' {
  const version = Object.hasOwn(versions, text) ? versions[text] : undefined
  if (version !== undefined) return version
  throw new UsageError(`${from} must be one of 3.1.1, 5, auto, got '${text}'`)
}

/** The flags of options, by the paths of the options. */
const flagsOf = {
  url: 'url',
  'options.username': 'username',
  'options.password': 'password-file',
  'options.tls.ca': 'ca',
  'options.tls.cert': 'cert',
  'options.tls.key': 'key',
  'options.tls.servername': 'servername',
  'options.protocolVersion': 'protocol',
  'options.clientId': 'client-id',
  'options.keepalive': 'keepalive',
  'options.will.topic': 'will-topic',
  'options.will.payload': 'will-payload',
} as const

/** Where the value of an option comes from; without a value, and without a config file, the flag for it. */
function sourcesIn(find: Find, target: Given | undefined, file: ConfigFile | undefined) {
  return (option: string): string => {
    const flag = Object.hasOwn(flagsOf, option) ? flagsOf[option as keyof typeof flagsOf] : undefined
    const source = flag === 'url' ? target : flag && (find(flag) ?? (flag === 'password-file' && find('password')))
    if (source) return source.from
    if (file) return `${file.path}: ${option}`
    return flag === undefined ? option : `--${flag}`
  }
}
