import type { MqttClient } from 'mqtt'
import type { Packet } from 'mqtt-packet'

import type { Failure, ServerReason } from '../../machines/failure.ts'
import { serverReference as toServerReference, serverText } from './server-text.ts'

/** What OpenSSL and Node call failures of TLS: certificates first, then the handshake. */
const TLS_CODE =
  /^(CERT_|CRL_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH|INVALID_(CA|PURPOSE)|PATH_LENGTH_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|EPROTO)/

const KEEPALIVE_TIMEOUT = 'Keepalive timeout'
const TLS_NOT_AUTHORIZED = 'TLS not authorized'

/** Closed without a close frame: no cause of its own (RFC 6455 §7.4.1). */
const ABNORMAL_CLOSURE = 1006
const NORMAL_CODES = new Set([1000, 1001, 1005, ABNORMAL_CLOSURE])

/**
 * Watches for what ends the connection, in all the ways in which MQTT.js tells of it beside packets. It may tell several
 * times, and says why before it says that: the first report counts.
 */
export function watchForFailure(client: MqttClient, report: (failure: Failure) => void): void {
  const { protocol } = client.options
  client.on('disconnect', ({ reasonCode = 0, properties }) => {
    report({ kind: 'disconnected', ...serverReason(reasonCode, properties) })
  })
  client.on('error', (error) => report(fromError(error, protocol)))
  // MQTT.js passes on only errors that have a code: a refused WebSocket upgrade has none.
  client.stream.on('error', (error) => report(fromError(error, protocol)))
  client.on('close', () => report({ kind: 'closed' }))
}

/** Why a packet ends the connection, where MQTT.js does not tell it, or in part. */
export function fromPacket(packet: Packet, protocolVersion: 3 | 4 | 5 = 4): Failure | undefined {
  if (packet.cmd !== 'connack') return undefined
  // Reason string and Server Reference stand in the packet only; MQTT.js's error has nothing but the code.
  const reasonCode = packet.reasonCode ?? packet.returnCode ?? 0
  if (reasonCode === 0) return undefined
  return { kind: 'refused', protocolVersion, ...serverReason(reasonCode, packet.properties) }
}

/** A WebSocket that was closed with a code of its own. */
export function fromCloseCode(closeCode: number, reason: string): Failure | undefined {
  if (NORMAL_CODES.has(closeCode)) return undefined
  return { kind: 'websocket', closeCode, message: serverText(`WebSocket closed: ${closeCode} ${reason}`) }
}

function fromError(error: Error & { code?: unknown }, protocol: string | undefined): Failure {
  const message = serverText(error.message)
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
  // What has neither: the parser's errors, and packets that MQTT.js objects to.
  return { kind: 'protocol', message }
}

/** With happy eyeballs all addresses failed: one message says it. */
function socketMessage(error: Error & { code?: unknown; errors?: unknown }): string {
  const [first] = Array.isArray(error.errors) ? (error.errors as unknown[]) : []
  const told = error.message === '' && first instanceof Error ? first : error
  if (told.message === '') return String(error.code)
  // The system's own words, with the host name, which may look random. An agent may quote what a proxy answered.
  return 'syscall' in told ? told.message : serverText(told.message)
}

interface ReasonProperties {
  readonly reasonString?: string | undefined
  readonly serverReference?: string | undefined
}

function serverReason(reasonCode: number, properties: ReasonProperties | undefined): ServerReason {
  const { reasonString, serverReference } = properties ?? {}
  return {
    reasonCode,
    ...(reasonString !== undefined && { reasonString: serverText(reasonString) }),
    ...(serverReference !== undefined && { serverReference: toServerReference(serverReference) }),
  }
}
