import type { Failure } from '../machines/failure.ts'
import { describeFailure } from '../src/api/describe-failure.ts'
import { PublishRefusedError } from '../src/api/errors.ts'
import { ErrorWithReasonCode, ReasonCodes } from './mqttjs.ts'
import { inMqttjsNames } from './option-names.ts'

/**
 * The error that MQTT.js emits for a failure; `undefined` if it emits none: if the server closes the connection, or refuses
 * the upgrade to a WebSocket, there is only `close`.
 */
export function errorOf(failure: Failure): Error | undefined {
  switch (failure.kind) {
    case 'socket':
    case 'tls': {
      const { message, code } = failure
      return Object.assign(new Error(message), code !== undefined && { code })
    }
    case 'refused':
      return new ErrorWithReasonCode(`Connection refused: ${reasonOf(failure.reasonCode)}`, failure.reasonCode)
    case 'keepalive':
      return new Error('Keepalive timeout')
    case 'timeout':
      return new Error(failure.phase === 'connect' ? 'connack timeout' : describeFailure(failure))
    case 'protocol':
      return new Error(failure.message)
    case 'closed':
    case 'websocket':
    case 'disconnected':
    case 'unprocessed':
      return undefined
    case 'authentication':
    case 'credentials':
    case 'internal':
    case 'options':
    case 'refresh':
      return new Error(describeFailure(failure))
  }
}

/** The error with which MQTT.js calls the callback of a publish. */
export function publishErrorOf(error: unknown): Error {
  if (error instanceof PublishRefusedError) {
    return new ErrorWithReasonCode(`Publish error: ${reasonOf(error.reasonCode)}`, error.reasonCode)
  }
  const named = inMqttjsNames(error, undefined)
  return named instanceof Error ? named : new Error(String(named))
}

/** MQTT.js's words for a reason code. */
export function reasonOf(code: number): string | undefined {
  return (ReasonCodes as Readonly<Record<number, string>>)[code]
}
