import type { RedirectPolicy, Timeouts } from '../../machines/config.ts'
import type { BackoffPolicy } from '../../machines/policy/backoff.ts'
import type { ReconnectPolicy, RecoveryPolicy } from '../../machines/policy/recovery.ts'
import type { Credentials } from '../api/credentials.ts'
import { InvalidOptionError } from '../api/errors.ts'
import type {
  ConnectOptions,
  InboxOptions,
  OutboxOptions,
  QuarantineOptions,
  RateOptions,
  ResilientMqttClientOptions,
  SubscriptionsOptions,
  TlsOptions,
  WebSocketOptions,
  Will,
} from '../api/options.ts'
import type { FailoverOptions } from '../api/servers.ts'
import type { WakeSignal } from '../api/wake-signal.ts'
import {
  anything,
  boolean,
  callback,
  callbackOr,
  count,
  data,
  duration,
  group,
  groupInSecret,
  methods,
  must,
  mustInSecret,
  oneOf,
  openGroup,
  string,
  wholeNumber,
} from '../shared/option-rules.ts'
import { didYouMean, entriesOf, isObject, readByRules, type Rule, type RulesFor } from '../shared/read-options.ts'
import { authenticationRules } from './authentication.ts'
import type { ClientConfig } from './client-config.ts'
import { isName } from './client-name.ts'
import { defaultClient } from './defaults.ts'
import { bytesInSecret, text, textInSecret } from './mqtt-text.ts'
import { nodeOptions } from './node-options.ts'
import { parseProperties, parseUserProperties } from './publish-properties.ts'
import { recorderOptions, recorderRule } from './recorder-rules.ts'
import { parseServers, parseUrls } from './server-urls.ts'
import { topicRule } from './topics.ts'

const multiplier = must('must be at least 1', (value) => typeof value === 'number' && value >= 1)

const jitter = callbackOr(oneOf('none', 'equal', 'full', 'decorrelated'))

export const backoff = {
  initialDelay: duration,
  multiplier,
  maxDelay: duration,
  jitter,
} satisfies RulesFor<BackoffPolicy>

const reconnect = { enabled: boolean, maxAttempts: count, ...backoff } satisfies RulesFor<ReconnectPolicy>

const recovery = { ...reconnect, refreshTokenEvery: count, recreateClient: boolean } satisfies RulesFor<RecoveryPolicy>

const timeouts = {
  connectTimeout: duration,
  subscribeTimeout: duration,
  refreshTimeout: duration,
  authenticationTimeout: duration,
  disconnectTimeout: duration,
  probeTimeout: duration,
  ackTimeout: duration,
  birthTimeout: duration,
  stableAfter: duration,
} satisfies RulesFor<Timeouts>

const redirect = {
  allow: callbackOr(oneOf('own-hosts', 'any', 'none')),
  maxHops: count,
} satisfies RulesFor<RedirectPolicy>

const failover = {
  selection: oneOf('ordered', 'weighted'),
  failBackAfter: must(
    'must be milliseconds of at least 0, or Infinity',
    (value) => typeof value === 'number' && value >= 0,
  ),
  coolDown: duration,
  maxCoolDown: duration,
  slowAfter: duration,
} satisfies RulesFor<FailoverOptions>

export const perSecond = must('must be a number greater than 0', (value) => typeof value === 'number' && value > 0)

const rate = { messages: perSecond, bytes: perSecond } satisfies RulesFor<RateOptions>

const outbox = {
  maxMessages: count,
  maxBytes: count,
  overflow: oneOf('reject', 'drop-oldest', 'drop-newest'),
  rate: group(rate),
} satisfies RulesFor<OutboxOptions>

const atLeastOne = must(
  'must be a whole number of at least 1, or Infinity',
  (value) => value === Number.POSITIVE_INFINITY || (Number.isSafeInteger(value) && (value as number) >= 1),
)

const inbox = {
  claimTimeout: duration,
  maxUnclaimed: count,
  stallAfter: duration,
  maxUnprocessed: atLeastOne,
  maxUnprocessedBytes: atLeastOne,
} satisfies RulesFor<InboxOptions>

const subscriptions = {
  batchSize: wholeNumber(1, 65_535),
  onSessionPresent: oneOf('skip', 'always'),
} satisfies RulesFor<SubscriptionsOptions>

const wakeOn: Rule = (option, value) => {
  const isList = Array.isArray(value) && value.every((each) => defaultClient.wakeOn.includes(each as WakeSignal))
  if (value !== false && !isList) {
    throw new InvalidOptionError(option, `must be false, or a list of ${defaultClient.wakeOn.join(', ')}`, value)
  }
  return data(option, value)
}

const quarantine = { after: duration, initialDelay: duration, maxDelay: duration } satisfies RulesFor<QuarantineOptions>

/** Errors show neither the payload nor a property, which may contain secrets. */
const will = {
  topic: topicRule,
  payload: bytesInSecret,
  qos: oneOf(0, 1, 2),
  retain: boolean,
  // No timer: the broker waits, for an interval of four bytes.
  delay: must(
    'must be milliseconds between 0 and 4294967295000',
    (value) => typeof value === 'number' && value >= 0 && value <= 4_294_967_295_000,
  ),
  properties: (option, value) => parseProperties(value as Will['properties'], option),
} satisfies RulesFor<Will>

const pemRule = mustInSecret('must be a string or bytes, or a list of them', (value) =>
  [value].flat().every((each) => typeof each === 'string' || ArrayBuffer.isView(each) || isObject(each)),
)

const pem: Rule = (option, value) => data(option, pemRule(option, value))

const tls = {
  ca: pem,
  cert: pem,
  key: pem,
  pfx: pem,
  passphrase: mustInSecret('must be a string', (value) => typeof value === 'string'),
  servername: string,
  rejectUnauthorized: boolean,
  ALPNProtocols: data,
  minVersion: oneOf('TLSv1.2', 'TLSv1.3'),
} satisfies RulesFor<TlsOptions>

/** A copy without headers that are `undefined`, on which Node throws. */
const headers: Rule = (option, value) => {
  const given = isObject(value) ? entriesOf(value).filter(([, each]) => each !== undefined) : undefined
  if (!given?.every(([, each]) => typeof each === 'string')) {
    throw new InvalidOptionError(option, 'must be an object of strings')
  }
  return Object.freeze(Object.fromEntries(given))
}

const wsOptions = {
  headers,
  agent: anything,
  perMessageDeflate: data,
  createWebSocket: callback,
} satisfies RulesFor<WebSocketOptions>

const connect = {
  url: parseUrls,
  clientId: text,
  protocolVersion: oneOf(4, 5, 'auto'),
  keepalive: must(
    'is in milliseconds: it must be 0, or between 1000 and 65535000',
    (value) => typeof value === 'number' && (value === 0 || (value >= 1_000 && value <= 65_535_000)),
  ),
  clean: boolean,
  sessionExpiry: must('must be at least 0, or Infinity', (value) => typeof value === 'number' && value >= 0),
  username: textInSecret,
  password: bytesInSecret,
  authentication: groupInSecret(authenticationRules),
  will: (option, value) => {
    const read = groupInSecret(will, clientHint)(option, value) as Partial<Will>
    topicRule(`${option}.topic`, read.topic)
    return read
  },
  receiveMaximum: wholeNumber(1, 65_535),
  maximumPacketSize: wholeNumber(1, 0xffffffff),
  topicAliasMaximum: wholeNumber(0, 65_535),
  autoAssignTopicAlias: boolean,
  userProperties: (option, value) => parseUserProperties(value, option),
  tls: openGroup(tls, nodeOptions?.tls),
  // A browser would connect without it, past the proxy.
  socket: nodeOptions ? callback : must('needs Node: a browser opens its connections itself', () => false),
  // `ws` also takes the TLS options.
  wsOptions: openGroup(wsOptions, nodeOptions && [...Object.keys(tls), ...nodeOptions.tls, ...nodeOptions.ws]),
} satisfies RulesFor<ConnectOptions>

const credentials = {
  username: textInSecret,
  password: bytesInSecret,
  authenticationData: bytesInSecret,
  url: parseUrls,
  wsHeaders: headers,
  // Checked where it is read: src/lifecycle/credentials.ts.
  expiresAt: anything,
} satisfies RulesFor<Credentials>

export const clientOptionRules = {
  name: must('must be 1 to 100 printable characters, without space around them', isName),
  url: parseUrls,
  servers: callbackOr(parseServers),
  failover: group(failover, clientHint),
  options: callbackOr((option, value) => readConnectOptions(value, option)),
  // Errors do not show the value: the user may have passed the credentials themselves.
  credentials: mustInSecret('must be a function that returns credentials', (value) => typeof value === 'function'),
  refreshBefore: duration,
  refreshAfterCloses: count,
  reconnect: group(reconnect, clientHint),
  recovery: group(recovery, clientHint),
  timeouts: group(timeouts, clientHint),
  redirect: group(redirect, clientHint),
  birth: callback,
  outbox: group(outbox, clientHint),
  subscriptions: group(subscriptions, clientHint),
  quarantine: group(quarantine, clientHint),
  onTakeover: oneOf('fail', 'retry-later'),
  evaluateOptions: oneOf('per-client', 'per-attempt'),
  onGiveUp: oneOf('reject', 'wait'),
  classify: callback,
  random: callback,
  now: callback,
  store: (option, value) => {
    if (value === '') throw new InvalidOptionError(option, 'must be the path of a folder, or a database', value)
    return typeof value === 'string' ? value : methods('open', 'batch', 'iterator')(option, value)
  },
  inbox: group(inbox, clientHint),
  onMessage: callback,
  expectTrafficWithin: duration,
  responseTopic: topicRule,
  wakeOn,
  gate: methods('ask'),
  logger: methods('debug', 'info', 'warn', 'error'),
  inspect: callbackOr(methods('next')),
  recorder: recorderRule,
  clock: methods('setTimeout', 'clearTimeout'),
} satisfies RulesFor<ResilientMqttClientOptions>

/** The groups in which an option may stand, by their paths. */
const groups = {
  options: connect,
  'options.tls': tls,
  'options.will': will,
  'options.authentication': authenticationRules,
  reconnect,
  recovery,
  timeouts,
  redirect,
  failover,
  outbox,
  inbox,
  subscriptions,
  quarantine,
  recorder: recorderOptions,
}

/** The equivalents of MQTT.js options that have another name here. */
const renamed = new Map([
  ['host', 'url'],
  ['hostname', 'url'],
  ['port', 'url'],
  ['protocol', 'url'],
  ['reconnectPeriod', 'reconnect'],
  ['cleanStart', 'options.clean'],
  ['path', 'url'],
  ['socksProxy', 'options.socket'],
  ['socketPath', 'options.socket'],
  ['createConnection', 'options.socket'],
  ['agent', 'options.wsOptions.agent'],
  ['properties', 'options.sessionExpiry, receiveMaximum, maximumPacketSize, topicAliasMaximum, userProperties'],
  ['authenticationMethod', 'options.authentication.method'],
  ['authPacket', 'options.authentication'],
  ['autoUseTopicAlias', 'options.autoAssignTopicAlias'],
  ['sessionExpiryInterval', 'options.sessionExpiry'],
])

/** Options after they are read: a single URL is a list, too. */
export type WithUrls<Options> = Omit<Options, 'url' | 'servers'> & {
  readonly url?: readonly string[]
  readonly servers?: ClientConfig['servers']
}

/** Checks all options of a client and copies them, without defaults. @throws {InvalidOptionError} */
export function readClientOptions(options: ResilientMqttClientOptions): WithUrls<ResilientMqttClientOptions> {
  const read = readByRules(options, clientOptionRules, { of: 'the client', hint: clientHint })
  return read as WithUrls<ResilientMqttClientOptions>
}

/** Checks options for connecting and copies them, without defaults. @throws {InvalidOptionError} */
export function readConnectOptions(options: unknown, path = 'options'): WithUrls<ConnectOptions> {
  // Without the value, which may be a URL with a password.
  if (!isObject(options)) {
    throw new InvalidOptionError(path, 'must be an object, or a function that returns one')
  }
  return readByRules(options, connect, { of: path, path: `${path}.`, hint: clientHint }) as WithUrls<ConnectOptions>
}

/**
 * Checks the result of a credentials source and copies it. Unknown names are allowed, so that a server's answer can be
 * returned as is.
 */
export function readCredentials(given: unknown): WithUrls<Credentials> {
  const read = openGroup(credentials, [])('credentials', given) as WithUrls<Credentials>
  const names = Object.keys(read)
  const isEmpty = LOGIN.every((name) => read[name] === undefined)
  if (isEmpty && names.some((name) => name !== 'expiresAt')) {
    throw new InvalidOptionError('credentials', `must have ${LOGIN.join(', ')}: it has only ${names.join(', ')}`)
  }
  return read
}

/** What credentials consist of. */
const LOGIN = ['username', 'password', 'authenticationData', 'url', 'wsHeaders'] as const

/** Suggests the right place for an option that belongs to another group, or that has another name in MQTT.js. */
export function clientHint(name: string, known: readonly string[]): string | undefined {
  const other = renamed.get(name)
  if (other !== undefined) return `see ${other}`
  const place = Object.entries(groups).find(([, rules]) => Object.hasOwn(rules, name))?.[0]
  if (place !== undefined) return `did you mean ${place}.${name}?`
  if (Object.hasOwn(clientOptionRules, name)) return 'it is an option of the client'
  return didYouMean(name, known) ?? nearElsewhere(name)
}

function nearElsewhere(name: string): string | undefined {
  const paths = Object.entries(groups).flatMap(([path, rules]) => Object.keys(rules).map((each) => `${path}.${each}`))
  const near = paths.filter((path) => didYouMean(name, [path.replace(/.*\./, '')]))
  return near.length > 0 ? `did you mean ${near.join(' or ')}?` : didYouMean(name, Object.keys(clientOptionRules))
}
