import type { IClientOptions, MqttClient } from 'mqtt'

import type { Authentication } from '../src/api/authentication.ts'
import { InvalidOptionError } from '../src/api/errors.ts'
import type { ConnectOptions, TlsOptions, WebSocketOptions, Will } from '../src/api/options.ts'
import { fromSessionExpiryInterval } from '../src/shared/session-expiry.ts'
import { type AuthHandler, authenticationOf } from './authentication.ts'
import { isGiven } from './is-given.ts'
import { checkSeconds, FOUR_BYTES, TWO_BYTES } from './seconds.ts'
import { type OpenStream, socketSource } from './sockets.ts'
import { serverUrls } from './url.ts'

/** The options of Node's TLS. MQTT.js passes all of its options to `tls.connect`. */
const TLS_OPTIONS = new Set(
  (
    'ca cert key pfx passphrase servername rejectUnauthorized ALPNProtocols minVersion maxVersion ALPNCallback ' +
    'allowPartialTrustChain checkServerIdentity ciphers clientCertEngine crl dhparam ecdhCurve enableTrace ' +
    'honorCipherOrder minDHSize privateKeyEngine privateKeyIdentifier pskCallback requestOCSP secureContext ' +
    'secureOptions secureProtocol session sigalgs'
  ).split(' '),
)

/**
 * How to connect, according to the options of MQTT.js at this moment. They are read for each connection, because
 * applications change `client.options` to renew a token, for example in `transformWsUrl`. `null` means what it means to
 * MQTT.js: no default, so no keep alive and no clean start, and else the same as `undefined`.
 *
 * @param openStream - the first argument of `new MqttClient`
 * @param transforms - whether to call `transformWsUrl`
 */
export function connectOptions(
  client: MqttClient,
  openStream: OpenStream | undefined,
  transforms = true,
): ConnectOptions {
  const { options } = client
  const transform = (url: string) => options.transformWsUrl?.(url, options, client) ?? url
  const urls = serverUrls(options).map((url) => (transforms && url.startsWith('ws') ? transform(url) : url))
  // Only now: `transformWsUrl` may have changed them.
  const { clientId, username, password, keepalive, clean, wsOptions } = options
  const properties = options.properties ?? {}
  const isVersion5 = checkVersion(options.protocolVersion) === 5
  const tls = Object.entries(options).filter(([name, value]) => TLS_OPTIONS.has(name) && isGiven(value))
  const socket = socketSource(options, openStream)
  return {
    url: urls,
    ...(clientId !== undefined && { clientId }),
    protocolVersion: isVersion5 ? 5 : 4,
    ...(keepalive !== undefined && { keepalive: 1_000 * checkSeconds('keepalive', keepalive ?? 0, TWO_BYTES) }),
    clean: clean === undefined ? true : (clean ?? false),
    ...(typeof username === 'string' && { username }),
    ...(password && { password }),
    ...(options.will && { will: willOf(options.will, isVersion5) }),
    ...(isVersion5 && connectProperties(properties)),
    ...((options.autoAssignTopicAlias || options.autoUseTopicAlias) && { autoAssignTopicAlias: true }),
    ...(isVersion5 && properties.authenticationMethod && { authentication: authentication(client, properties) }),
    ...(tls.length > 0 && { tls: Object.fromEntries(tls) as TlsOptions }),
    ...((wsOptions || options.createWebsocket) && { wsOptions: webSocketOptions(options) }),
    ...(socket && { socket }),
  }
}

/** A wrong version would connect by MQTT 3.1.1, without the properties of MQTT 5. */
function checkVersion(version: unknown): unknown {
  if (!isGiven(version) || version === 3 || version === 4 || version === 5) return version
  throw new InvalidOptionError('protocolVersion', 'must be 3, 4 or 5', version)
}

type ConnectProperties = NonNullable<IClientOptions['properties']>

/** Without an interval, MQTT 5 ends the session with the connection (§3.1.2.11.2). */
function connectProperties(properties: ConnectProperties): Partial<ConnectOptions> {
  const { sessionExpiryInterval = 0, receiveMaximum, maximumPacketSize, topicAliasMaximum, userProperties } = properties
  return {
    sessionExpiry: fromSessionExpiryInterval(
      checkSeconds('properties.sessionExpiryInterval', sessionExpiryInterval, FOUR_BYTES),
    ),
    ...(isReceiveMaximum(receiveMaximum) && { receiveMaximum }),
    ...(maximumPacketSize !== undefined && { maximumPacketSize }),
    ...(topicAliasMaximum !== undefined && { topicAliasMaximum }),
    ...(userProperties && { userProperties }),
  }
}

/** MQTT.js takes its default instead of a value that MQTT does not allow. */
function isReceiveMaximum(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65_535
}

function authentication(
  port: AuthHandler,
  { authenticationMethod, authenticationData }: ConnectProperties,
): Authentication {
  return authenticationOf(port, authenticationMethod as string, authenticationData)
}

function willOf(
  { topic, payload, qos, retain, properties }: NonNullable<IClientOptions['will']>,
  isVersion5: boolean,
): Will {
  const { willDelayInterval, ...others } = properties ?? {}
  return {
    topic,
    payload: payload ?? '',
    ...(isGiven(qos) && { qos }),
    ...(isGiven(retain) && { retain }),
    ...(isVersion5 && willDelayInterval !== undefined && { delay: 1_000 * checkWillDelay(willDelayInterval) }),
    ...(isVersion5 && properties && { properties: others }),
  }
}

function checkWillDelay(interval: number): number {
  return checkSeconds('will.properties.willDelayInterval', interval, FOUR_BYTES)
}

function webSocketOptions(options: IClientOptions): WebSocketOptions {
  const { wsOptions, createWebsocket } = options
  return {
    ...(wsOptions as WebSocketOptions),
    ...(createWebsocket && { createWebSocket: (url, protocols) => createWebsocket(url, protocols, options) }),
  }
}
