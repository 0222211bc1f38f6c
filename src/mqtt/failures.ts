import type { MqttClient } from 'mqtt'
import type { Packet } from 'mqtt-packet'

import type { Failure, ServerReason } from '../../machines/failure.ts'
import { parseUrl } from '../shared/parse-url.ts'
import { safeText } from '../shared/safe-text.ts'
import { textDecoder } from '../shared/text-coders.ts'
import { FIRST_ERROR } from '../wire/packets.ts'
import { serverReference as toServerReference } from './server-reference.ts'
import type { UpgradeResponse } from './web-socket-events.ts'

/** The codes of OpenSSL and Node for TLS failures: certificates first, then the handshake. */
const TLS_CODE =
  /^(CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|PATH_LENGTH_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|EPROTO)/

/** The error of OpenSSL in a message of Node, which also has the address of a thread and the path of a source file. */
const OPENSSL_ERROR = /error:[\dA-F]+:[^:]*:[^:]*:([^:]+)/i

/** A TLS record of the type alert (RFC 8446 §5.1). All versions of TLS begin with 3. */
const TLS_ALERT = 0x15
const TLS_MAJOR_VERSION = 3

/** In bytes. */
const LONGEST_STATUS_LINE = 80

const decoder = textDecoder()

const KEEPALIVE_TIMEOUT = 'Keepalive timeout'
const TLS_NOT_AUTHORIZED = 'TLS not authorized'

/** Closed without a close frame, which is no reason in itself (RFC 6455 §7.4.1). */
const ABNORMAL_CLOSURE = 1006
const NORMAL_CODES = new Set([1000, 1001, 1005, ABNORMAL_CLOSURE])

export interface FailurePort {
  /** Whether the CONNACK has arrived. */
  readonly isConnected: boolean
  /** The connection ended. */
  fail(failure: Failure): void
}

/**
 * Watches for the end of the connection in all events of MQTT.js except packets. MQTT.js may report it several times,
 * and reports the reason first: the first report counts.
 *
 * @returns resolves at the client's `close`, when MQTT.js has cleared its own timers
 */
export function watchForFailure(client: MqttClient, port: FailurePort): Promise<void> {
  const { protocol } = client.options
  let handshake = handshakeOf(protocol)
  client.stream.once('secureConnect', () => (handshake = undefined))
  const fail = (error: Error) => port.fail(inTime(fromError(error, protocol), port.isConnected, handshake))
  client.on('disconnect', ({ reasonCode = 0, properties }) => {
    port.fail({ kind: 'disconnected', ...serverReason(reasonCode, properties) })
  })
  client.on('error', fail)
  // MQTT.js passes on only errors with a code. A refused WebSocket upgrade has none.
  client.stream.on('error', fail)
  return new Promise((resolve) => {
    client.on('close', () => {
      const webSocket = !port.isConnected && isWebSocket(protocol) && { webSocket: true as const }
      port.fail(inTime({ kind: 'closed', ...webSocket }, port.isConnected))
      resolve()
    })
  })
}

/** Adds that the server ended the connection before the CONNACK. */
function inTime(failure: Failure, isConnected: boolean, handshake?: Handshake): Failure {
  if (isConnected) return failure
  if (failure.kind === 'closed' || failure.kind === 'websocket') return { ...failure, beforeConnack: true }
  if (failure.kind !== 'socket' || failure.code !== 'ECONNRESET') return failure
  return { ...failure, beforeConnack: true, ...(handshake && { handshake }) }
}

type Handshake = 'tls' | 'websocket'

/** The handshake before the CONNECT. A WebSocket that is open is never reset: it closes. */
function handshakeOf(protocol: string | undefined): Handshake | undefined {
  if (isWebSocket(protocol)) return 'websocket'
  return protocol === 'mqtts' ? 'tls' : undefined
}

/**
 * The failure if the first bytes of the server are not MQTT. TLS answers a CONNECT with an alert (RFC 8446 §6), and a web
 * server with a status line.
 */
export function fromFirstBytes(bytes: Uint8Array): Failure | undefined {
  if (bytes[0] === TLS_ALERT && bytes[1] === TLS_MAJOR_VERSION) {
    return { kind: 'protocol', message: 'a TLS alert instead of a CONNACK', speaks: 'tls' }
  }
  const [line = ''] = decoder().decode(bytes.subarray(0, LONGEST_STATUS_LINE)).split('\r', 1)
  return line.startsWith('HTTP/') ? { kind: 'protocol', message: safeText(line), speaks: 'http' } : undefined
}

/** The failure if the function `socket` did not give a socket. */
export function fromSocketSource(error: unknown): Failure {
  const failure = error instanceof Error ? fromError(error, undefined) : undefined
  if (failure?.kind === 'tls') return failure
  const code = failure?.kind === 'socket' ? failure.code : undefined
  const reason =
    error instanceof Error
      ? socketMessage(error)
      : `it threw ${error === null ? 'null' : `a value of type ${typeof error}`}`
  return { kind: 'socket', ...(code !== undefined && { code }), message: reason, bySource: true }
}

/** The reason why a packet ends the connection, if MQTT.js does not report it completely. */
export function fromPacket(packet: Packet, protocolVersion: 3 | 4 | 5 = 4): Failure | undefined {
  if (packet.cmd !== 'connack') return undefined
  // Only the packet has the reason string and the Server Reference. MQTT.js's error has only the code.
  const reasonCode = packet.reasonCode ?? packet.returnCode ?? 0
  if (reasonCode === 0) return undefined
  // A broker without MQTT 5 may answer with a code of MQTT 3.1.1: aedes 1.2 does. MQTT 5 has no such codes.
  const codeVersion = reasonCode < FIRST_ERROR && protocolVersion === 5 ? 4 : protocolVersion
  return { kind: 'refused', protocolVersion: codeVersion, ...serverReason(reasonCode, packet.properties) }
}

/** The failure of a WebSocket that was closed with a meaningful code. */
export function fromCloseCode(closeCode: number, reason: string, isConnected: boolean): Failure | undefined {
  if (NORMAL_CODES.has(closeCode)) return undefined
  const message = safeText(`WebSocket closed: ${closeCode} ${reason}`)
  return inTime({ kind: 'websocket', closeCode, message }, isConnected)
}

/** The failure of a WebSocket upgrade that the server answered with a status (RFC 9110 §10.2). */
export function fromUpgradeResponse({ status, headers }: UpgradeResponse): Failure {
  const location = status >= 300 && status <= 399 ? parseUrl(headers.location ?? '') : undefined
  const retryAfter = status === 429 || status === 503 ? retryAfterOf(headers) : undefined
  return {
    kind: 'websocket',
    status,
    message: `Unexpected server response: ${status}`,
    beforeConnack: true,
    // Its path and query may hold secrets.
    ...(location && { location: safeText(`${location.protocol}//${location.host}`) }),
    ...(retryAfter !== undefined && { retryAfter }),
  }
}

/** The value of a Retry-After: seconds, or a date, which is compared with the clock of the server. In milliseconds. */
function retryAfterOf({ date, 'retry-after': value = '' }: UpgradeResponse['headers']): number | undefined {
  if (/^\d{1,10}$/.test(value)) return Number(value) * 1_000
  const delay = Date.parse(value) - Date.parse(date ?? '')
  return delay > 0 ? delay : undefined
}

function isWebSocket(protocol: string | undefined): boolean {
  return protocol?.startsWith('ws') === true
}

/** The failure that an error of a socket, of TLS or of MQTT.js means. */
export function fromError(error: Error & { code?: unknown }, protocol: string | undefined): Failure {
  const message = safeText(OPENSSL_ERROR.exec(error.message)?.[1] ?? error.message)
  const code = typeof error.code === 'string' ? error.code : undefined
  if (message === KEEPALIVE_TIMEOUT) return { kind: 'keepalive' }
  if (message === TLS_NOT_AUTHORIZED) return { kind: 'tls', message }
  if (code !== undefined && TLS_CODE.test(code)) return { kind: 'tls', code, message }

  if (code?.startsWith('WS_ERR_') || (isWebSocket(protocol) && message === 'WebSocket error')) {
    return { kind: 'websocket', message }
  }
  if (code !== undefined && !code.startsWith('ERR_')) return { kind: 'socket', code, message: socketMessage(error) }
  // The rest: errors of the parser, and packets that MQTT.js refuses.
  return { kind: 'protocol', message }
}

/** With happy eyeballs, all addresses failed. The message of one of them is used. */
function socketMessage(error: Error & { code?: unknown; errors?: unknown }): string {
  const [first] = Array.isArray(error.errors) ? (error.errors as unknown[]) : []
  const told = error.message === '' && first instanceof Error ? first : error
  if (told.message === '') return String(error.code)
  // The system's message contains the host name, which may look random, and is kept. An agent may quote the answer of a
  // proxy.
  return 'syscall' in told ? told.message : safeText(told.message)
}

interface ReasonProperties {
  readonly reasonString?: string | undefined
  readonly serverReference?: string | undefined
}

function serverReason(reasonCode: number, properties: ReasonProperties | undefined): ServerReason {
  const { reasonString, serverReference } = properties ?? {}
  return {
    reasonCode,
    ...(reasonString !== undefined && { reasonString: safeText(reasonString) }),
    ...(serverReference !== undefined && { serverReference: toServerReference(serverReference) }),
  }
}
