import { describeFailure, type Failure } from '../../src/index.ts'

/** A failure in a few words, for a cell of a table. */
export function inShort(failure: Failure): string {
  switch (failure.kind) {
    case 'refused':
      return failure.protocolVersion === 5 ? `CONNACK ${hex(failure.reasonCode)}` : `CONNACK ${failure.reasonCode}`
    case 'disconnected':
      return `DISCONNECT ${hex(failure.reasonCode)}`
    case 'closed':
      return failure.beforeConnack ? 'closed before the CONNACK' : 'closed'
    case 'socket':
      return failure.beforeConnack ? 'reset before the CONNACK' : (failure.code ?? failure.message)
    case 'websocket':
      return failure.status === undefined ? `close code ${failure.closeCode}` : `HTTP ${failure.status}`
    case 'timeout':
      return failure.phase === 'connect' || failure.phase === 'ack' ? 'no answer' : describeFailure(failure)
    default:
      return describeFailure(failure)
  }
}

/** A reason code as MQTT 5 writes it. */
export function hex(code: number): string {
  return `0x${code.toString(16).padStart(2, '0').toUpperCase()}`.replace('0X', '0x')
}
