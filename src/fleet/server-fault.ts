import type { Failure } from '../../machines/failure.ts'
import { certificateFault } from '../../machines/policy/certificate-fault.ts'

/** CONNACK return codes of MQTT 3.1.1 that every client gets: server unavailable. */
const connack3: ReadonlySet<number> = new Set([3])

/**
 * CONNACK reason codes of MQTT 5 that every client gets: unspecified and implementation specific errors, server
 * unavailable, server busy, use another server, server moved, connection rate exceeded.
 */
const connack5: ReadonlySet<number> = new Set([0x80, 0x83, 0x88, 0x89, 0x9c, 0x9d, 0x9f])

/** DISCONNECT reason codes: as above, and server shutting down. */
const disconnect5: ReadonlySet<number> = new Set([...connack5, 0x8b])

/** WebSocket close codes: going away, no close frame, internal error, service restart, try again later, bad gateway. */
const closeCodes: ReadonlySet<number> = new Set([1001, 1006, 1011, 1012, 1013, 1014])

/**
 * Returns whether other clients of the same server must expect this failure, too. Refused credentials or a failed source of
 * options say nothing about the server. If in doubt, the server is blamed: a single client that is ready clears it.
 */
export function blamesServer(failure: Failure): boolean {
  switch (failure.kind) {
    case 'refused':
      if (failure.nextVersion !== undefined) return false
      return (failure.protocolVersion === 5 ? connack5 : connack3).has(failure.reasonCode)
    case 'disconnected':
      return disconnect5.has(failure.reasonCode)
    case 'websocket':
      if (failure.status !== undefined) return failure.status >= 500
      return failure.closeCode === undefined || closeCodes.has(failure.closeCode)
    case 'tls':
      // The server sends an alert if it does not accept the certificate of the client.
      return certificateFault(failure) !== undefined || !/alert/i.test(`${failure.code} ${failure.message}`)
    case 'timeout':
      return failure.phase !== 'refresh'
    case 'socket':
    case 'keepalive':
    case 'closed':
    case 'protocol':
      return true
    default:
      return false
  }
}
