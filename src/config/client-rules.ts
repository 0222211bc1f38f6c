import type { RedirectPolicy, Timeouts } from '../../machines/config.ts'
import type { BackoffPolicy } from '../../machines/policy/backoff.ts'
import type { ReconnectPolicy, RecoveryPolicy } from '../../machines/policy/recovery.ts'
import { InvalidOptionError } from '../api/errors.ts'
import type {
  ConnectOptions,
  Credentials,
  InboxOptions,
  OutboxOptions,
  QuarantineOptions,
  ResilientMqttClientOptions,
  SubscriptionsOptions,
  TlsOptions,
  WebSocketOptions,
  Will,
} from '../api/options.ts'
import {
  anything,
  boolean,
  callback,
  callbackOr,
  checkByRules,
  count,
  didYouMean,
  duration,
  group,
  groupInSecret,
  isObject,
  methods,
  must,
  mustInSecret,
  oneOf,
  openGroup,
  type Rule,
  type RulesFor,
  string,
  wholeNumber,
} from '../shared/option-rules.ts'
import { bytesInSecret, text, textInSecret } from './mqtt-text.ts'
import { nodeOptions } from './node-options.ts'
import { parseProperties, parseUserProperties } from './publish-properties.ts'
import { parseUrls } from './server-urls.ts'
import { topicRule } from './topics.ts'

const url: Rule = (option, value) => void parseUrls(option, value)

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
  disconnectTimeout: duration,
  probeTimeout: duration,
  ackTimeout: duration,
  stableAfter: duration,
} satisfies RulesFor<Timeouts>

const redirect = {
  allow: callbackOr(oneOf('own-hosts', 'any', 'none')),
  maxHops: count,
} satisfies RulesFor<RedirectPolicy>

const outbox = {
  maxMessages: count,
  maxBytes: count,
  overflow: oneOf('reject', 'drop-oldest', 'drop-newest'),
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

const quarantine = { after: duration, initialDelay: duration, maxDelay: duration } satisfies RulesFor<QuarantineOptions>

/** Errors do not show the value, because it may contain secrets. */
const will = {
  topic: topicRule,
  payload: bytesInSecret,
  qos: oneOf(0, 1, 2),
  retain: boolean,
  delay: duration,
  properties: (option, value) => void parseProperties(value as Will['properties'], option),
} satisfies RulesFor<Will>

const pem = mustInSecret('must be a string or bytes, or a list of them', (value) =>
  [value].flat().every((each) => typeof each === 'string' || ArrayBuffer.isView(each) || isObject(each)),
)

const tls = {
  ca: pem,
  cert: pem,
  key: pem,
  pfx: pem,
  passphrase: mustInSecret('must be a string', (value) => typeof value === 'string'),
  servername: string,
  rejectUnauthorized: boolean,
  ALPNProtocols: anything,
  minVersion: oneOf('TLSv1.2', 'TLSv1.3'),
} satisfies RulesFor<TlsOptions>

const headers = mustInSecret(
  'must be an object of strings',
  (value) => isObject(value) && Object.values(value).every((each) => each === undefined || typeof each === 'string'),
)

const wsOptions = { headers, agent: anything, perMessageDeflate: anything } satisfies RulesFor<WebSocketOptions>

const connect = {
  url,
  clientId: text,
  protocolVersion: oneOf(4, 5),
  keepalive: must(
    'is in milliseconds: it must be 0, or between 1000 and 65535000',
    (value) => typeof value === 'number' && (value === 0 || (value >= 1_000 && value <= 65_535_000)),
  ),
  clean: boolean,
  sessionExpiry: must('must be at least 0, or Infinity', (value) => typeof value === 'number' && value >= 0),
  username: textInSecret,
  password: bytesInSecret,
  will: (option, value) => {
    groupInSecret(will, clientHint)(option, value)
    topicRule(`${option}.topic`, (value as Will).topic)
  },
  receiveMaximum: wholeNumber(1, 65_535),
  maximumPacketSize: wholeNumber(1, 0xffffffff),
  userProperties: (option, value) => void parseUserProperties(value, option),
  tls: openGroup(tls, nodeOptions?.tls),
  // `ws` also takes the TLS options.
  wsOptions: openGroup(wsOptions, nodeOptions && [...Object.keys(tls), ...nodeOptions.tls, ...nodeOptions.ws]),
} satisfies RulesFor<ConnectOptions>

const credentials = {
  username: textInSecret,
  password: bytesInSecret,
  url,
  wsHeaders: headers,
  // Checked where it is read: src/lifecycle/credentials.ts.
  expiresAt: anything,
} satisfies RulesFor<Credentials>

export const clientOptionRules = {
  url,
  options: callbackOr((option, value) => checkConnectRules(value, option)),
  // Errors do not show the value: the user may have passed the credentials themselves.
  credentials: mustInSecret('must be a function that returns credentials', (value) => typeof value === 'function'),
  refreshBefore: duration,
  reconnect: group(reconnect, clientHint),
  recovery: group(recovery, clientHint),
  timeouts: group(timeouts, clientHint),
  redirect: group(redirect, clientHint),
  outbox: group(outbox, clientHint),
  subscriptions: group(subscriptions, clientHint),
  quarantine: group(quarantine, clientHint),
  onTakeover: oneOf('fail', 'retry-later'),
  onGiveUp: oneOf('reject', 'wait'),
  classify: callback,
  random: callback,
  now: callback,
  store: (option, value) => {
    if (value === '') throw new InvalidOptionError(option, 'must be the path of a folder, or a database', value)
    if (typeof value !== 'string') methods('open', 'batch', 'iterator')(option, value)
  },
  inbox: group(inbox, clientHint),
  onMessage: callback,
  responseTopic: topicRule,
  gate: methods('ask'),
  logger: methods('debug', 'info', 'warn', 'error'),
  inspect: callbackOr(methods('next')),
  clock: methods('setTimeout', 'clearTimeout'),
} satisfies RulesFor<ResilientMqttClientOptions>

/** The groups in which an option may stand, by their paths. */
const groups = {
  options: connect,
  'options.tls': tls,
  'options.will': will,
  reconnect,
  recovery,
  timeouts,
  redirect,
  outbox,
  inbox,
  subscriptions,
  quarantine,
}

/** The equivalents of MQTT.js options that have another name here. */
const renamed = new Map([
  ['host', 'url'],
  ['hostname', 'url'],
  ['port', 'url'],
  ['protocol', 'url'],
  ['servers', 'url'],
  ['reconnectPeriod', 'reconnect'],
  ['cleanStart', 'options.clean'],
  ['properties', 'options.sessionExpiry, receiveMaximum, maximumPacketSize, userProperties'],
  ['sessionExpiryInterval', 'options.sessionExpiry'],
])

/** @throws {InvalidOptionError} */
export function checkClientRules(options: ResilientMqttClientOptions): void {
  checkByRules(options, clientOptionRules, { of: 'the client', hint: clientHint })
}

/** @throws {InvalidOptionError} */
export function checkConnectRules(options: unknown, path = 'options'): asserts options is ConnectOptions {
  // Without the value, which may be a URL with a password.
  if (!isObject(options)) {
    throw new InvalidOptionError(path, 'must be an object, or a function that returns one')
  }
  checkByRules(options, connect, { of: path, path: `${path}.`, hint: clientHint })
}

/**
 * Checks the result of a credentials source. Unknown names are allowed, so that a server's answer can be returned as
 * is.
 */
export const checkCredentials: (credentials: unknown) => asserts credentials is Credentials = (given) =>
  openGroup(credentials, [])('credentials', given)

/** Suggests the right place for an option that belongs to another group, or that has another name in MQTT.js. */
export function clientHint(name: string, known: readonly string[]): string | undefined {
  const place = renamed.get(name) ?? Object.entries(groups).find(([, rules]) => Object.hasOwn(rules, name))?.[0]
  return place === undefined ? (didYouMean(name, known) ?? nearElsewhere(name)) : `see ${place}`
}

function nearElsewhere(name: string): string | undefined {
  const paths = Object.entries(groups).flatMap(([path, rules]) => Object.keys(rules).map((each) => `${path}.${each}`))
  const near = paths.filter((path) => didYouMean(name, [path.replace(/.*\./, '')]))
  return near.length > 0 ? `did you mean ${near.join(' or ')}?` : didYouMean(name, Object.keys(clientOptionRules))
}
