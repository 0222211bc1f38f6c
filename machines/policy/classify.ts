import type { Disposition, Failure } from '../failure.ts'
import { certificateFault } from './certificate-fault.ts'

/** The settings that `classify` depends on. */
export interface ClassifyOptions {
  /** Whether there is a credentials source. Without one, a CONNACK that calls for new credentials is fatal. */
  readonly canRefresh: boolean
  /**
   * What a DISCONNECT 0x8E (session taken over) means. Another client with the same client id is connected.
   * Reconnecting would in turn disconnect that client, so the default is to give up.
   *
   * @default 'fail'
   */
  readonly onTakeover?: 'fail' | 'retry-later'
  /**
   * Whether so many connections in a row were closed before the CONNACK that the credentials may be the cause.
   *
   * @default false
   */
  readonly suspectsCredentials?: boolean
  /** Overrides the table for single cases. If it returns `undefined` or throws, the table decides. */
  readonly override?: ((failure: Failure, disposition: Disposition) => Disposition | undefined) | undefined
}

/** CONNACK return codes of MQTT 3.1.1 §3.2.2.3. */
const connack3: Readonly<Record<number, Disposition>> = {
  1: 'fatal', // unacceptable protocol version
  2: 'fatal', // identifier rejected
  3: 'retry', // server unavailable
  4: 'refresh', // bad user name or password
  5: 'refresh', // not authorized
}

/** CONNACK reason codes of MQTT 5 §3.2.2.2. */
const connack5: Readonly<Record<number, Disposition>> = {
  0x80: 'retry', // unspecified error
  0x81: 'fatal', // malformed packet
  0x82: 'fatal', // protocol error
  0x83: 'retry', // implementation specific error
  0x84: 'fatal', // unsupported protocol version
  0x85: 'fatal', // client identifier not valid
  0x86: 'refresh', // bad user name or password
  0x87: 'refresh', // not authorized
  0x88: 'retry', // server unavailable
  0x89: 'retry-later', // server busy
  0x8a: 'fatal', // banned
  0x8c: 'fatal', // bad authentication method
  0x90: 'fatal', // topic name (of the will) invalid
  0x95: 'fatal', // packet too large
  0x97: 'retry-later', // quota exceeded
  0x99: 'fatal', // payload format (of the will) invalid
  0x9a: 'fatal', // retain (of the will) not supported
  0x9b: 'fatal', // QoS (of the will) not supported
  0x9c: 'redirect', // use another server
  0x9d: 'redirect', // server moved
  0x9f: 'retry-later', // connection rate exceeded
}

/** DISCONNECT reason codes of MQTT 5 §3.14.2.1. Codes that are not listed are retried. */
const disconnect5: Readonly<Record<number, Disposition>> = {
  0x87: 'refresh', // not authorized
  0x89: 'retry-later', // server busy
  0x96: 'retry-later', // message rate too high
  0x97: 'retry-later', // quota exceeded
  0x98: 'refresh', // administrative action: mosquitto sends it when credentials change
  0x9c: 'redirect', // use another server
  0x9d: 'redirect', // server moved
  0x9f: 'retry-later', // connection rate exceeded
}

/** The broker rejects a packet of the client. The connection is retried, and the packet becomes a suspect. */
const objections: ReadonlySet<number> = new Set([
  0x81, 0x82, 0x8f, 0x90, 0x94, 0x95, 0x99, 0x9a, 0x9b, 0x9e, 0xa1, 0xa2,
])

const SESSION_TAKEN_OVER = 0x8e

/** The name of the error by which the application says that the account is wrong. */
export const WRONG_ACCOUNT = 'InvalidCredentialsError'

/** WebSocket close codes: policy violation (RFC 6455 §7.4.1), and those that many servers use for the statuses 401 and 403. */
const UNAUTHORIZED_CODES: ReadonlySet<number> = new Set([1008, 4401, 4403])
/** RabbitMQ, for example, closes with 1002 and "unauthenticated". */
const UNAUTHORIZED_WORDS = /unauthori[sz]ed|not authori[sz]ed|unauthenticated|forbidden|expired/i

/**
 * Returns how to respond to a failure. Pure and total: failures that are not listed are retried, because an unattended
 * device must never give up on a failure that it does not recognize. If `override` throws, it is ignored.
 */
export function classify(failure: Failure, options: ClassifyOptions): Disposition {
  const disposition = fromTable(failure, options)
  try {
    return options.override?.(failure, disposition) ?? disposition
  } catch {
    return disposition
  }
}

/** Returns whether the broker closed the connection because of a packet of the client. */
export function objectsToPacket(failure: Failure): boolean {
  return failure.kind === 'disconnected' && !failure.reauthenticating && objections.has(failure.reasonCode)
}

/**
 * Returns whether a WebSocket was closed before the CONNACK, and no reason was given. A browser hides the HTTP status of a
 * refused upgrade, so that a refused token looks like this.
 */
export function isUnexplainedClose(failure: Failure): boolean {
  if (failure.kind === 'closed') return failure.beforeConnack === true && failure.webSocket === true
  return failure.kind === 'websocket' && failure.beforeConnack === true && failure.status === undefined
}

function fromTable(failure: Failure, options: ClassifyOptions): Disposition {
  const { canRefresh, onTakeover = 'fail', suspectsCredentials = false } = options
  switch (failure.kind) {
    case 'credentials':
      return 'fatal'
    case 'authentication':
      if (failure.name === WRONG_ACCOUNT) return 'fatal'
      return failure.step === 'verify' ? 'retry-later' : 'retry'
    case 'closed':
      return suspectsCredentials && canRefresh && isUnexplainedClose(failure) ? 'refresh' : 'retry'
    case 'tls':
      return certificateFault(failure) === undefined ? 'retry' : 'retry-later'
    case 'websocket': {
      const suspected = suspectsCredentials && isUnexplainedClose(failure)
      if (canRefresh && (isUnauthorized(failure) || suspected)) return 'refresh'
      return isMisconfigured(failure) ? 'retry-later' : 'retry'
    }
    case 'refused': {
      if (failure.nextVersion !== undefined) return 'retry'
      const table = failure.protocolVersion === 5 ? connack5 : connack3
      const disposition = table[failure.reasonCode] ?? 'retry'
      if (disposition === 'refresh' && !canRefresh) return 'fatal'
      return withoutReference(disposition, failure.serverReference)
    }
    case 'disconnected': {
      if (failure.reasonCode === SESSION_TAKEN_OVER) return onTakeover === 'fail' ? 'fatal' : 'retry-later'
      const disposition = disconnect5[failure.reasonCode] ?? 'retry'
      if (disposition === 'refresh' && !canRefresh) return 'retry'
      return withoutReference(disposition, failure.serverReference)
    }
    default:
      return 'retry'
  }
}

/** A redirect without a Server Reference is a retry, which uses the next server of the list. */
function withoutReference(disposition: Disposition, serverReference: string | undefined): Disposition {
  return disposition === 'redirect' && !serverReference ? 'retry' : disposition
}

type WebSocketFailure = Extract<Failure, { readonly kind: 'websocket' }>

function isUnauthorized({ status, closeCode, message }: WebSocketFailure): boolean {
  if (closeCode === undefined) return status === 401 || status === 403
  return UNAUTHORIZED_CODES.has(closeCode) || UNAUTHORIZED_WORDS.test(message)
}

/** Another URL is needed, or fewer attempts. A server that said when to come back is followed instead. */
function isMisconfigured({ status = 0, retryAfter }: WebSocketFailure): boolean {
  if (status === 429) return retryAfter === undefined
  return status === 404 || (status >= 300 && status <= 399)
}
