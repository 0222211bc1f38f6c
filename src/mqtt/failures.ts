import type { MqttClient } from 'mqtt'
import type { Packet } from 'mqtt-packet'

import type { Failure, ServerReason } from '../../machines/failure.ts'
import { safeText } from '../shared/safe-text.ts'
import { serverReference as toServerReference } from './server-reference.ts'

/** The codes of OpenSSL and Node for TLS failures: certificates first, then the handshake. */
const TLS_CODE =
  /^(CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|PATH_LENGTH_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|EPROTO)/

const KEEPALIVE_TIMEOUT = 'Keepalive timeout'
const TLS_NOT_AUTHORIZED = 'TLS not authorized'

/** Closed without a close frame, which is no reason in itself (RFC 6455 §7.4.1). */
const ABNORMAL_CLOSURE = 1006
const NORMAL_CODES = new Set([1000, 1001, 1005, ABNORMAL_CLOSURE])

/**
 * Watches for the end of the connection in all events of MQTT.js except packets. MQTT.js may report it several times,
 * and reports the reason first: the first report counts.
 */
export function watchForFailure(client: MqttClient, report: (failure: Failure) => void): void {
  const { protocol } = client.options
  client.on('disconnect', ({ reasonCode = 0, properties }) => {
    report({ kind: 'disconnected', ...serverReason(reasonCode, properties) })
  })
  client.on('error', (error) => report(fromError(error, protocol)))
  // MQTT.js passes on only errors with a code. A refused WebSocket upgrade has none.
  client.stream.on('error', (error) => report(fromError(error, protocol)))
  client.on('close', () => report({ kind: 'closed' }))
}

/** The reason why a packet ends the connection, if MQTT.js does not report it completely. */
export function fromPacket(packet: Packet, protocolVersion: 3 | 4 | 5 = 4): Failure | undefined {
  if (packet.cmd !== 'connack') return undefined
  // Only the packet has the reason string and the Server Reference. MQTT.js's error has only the code.
  const reasonCode = packet.reasonCode ?? packet.returnCode ?? 0
  if (reasonCode === 0) return undefined
  return { kind: 'refused', protocolVersion, ...serverReason(reasonCode, packet.properties) }
}

/** The failure of a WebSocket that was closed with a meaningful code. */
export function fromCloseCode(closeCode: number, reason: string): Failure | undefined {
  if (NORMAL_CODES.has(closeCode)) return undefined
  return { kind: 'websocket', closeCode, message: safeText(`WebSocket closed: ${closeCode} ${reason}`) }
}

function fromError(error: Error & { code?: unknown }, protocol: string | undefined): Failure {
  const message = safeText(error.message)
  const code = typeof error.code === 'string' ? error.code : undefined
  if (message === KEEPALIVE_TIMEOUT) return { kind: 'keepalive' }
  if (message === TLS_NOT_AUTHORIZED) return { kind: 'tls', message }
  if (code !== undefined && TLS_CODE.test(code)) return { kind: 'tls', code, message }

  const status = /^Unexpected server response: (\d{3})$/.exec(message)?.[1]
  if (status !== undefined) return { kind: 'websocket', status: Number(status), message }
  if (code?.startsWith('WS_ERR_') || (protocol?.startsWith('ws') && message === 'WebSocket error')) {
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
