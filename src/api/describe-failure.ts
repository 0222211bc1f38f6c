import type { Failure } from '../../machines/failure.ts'
import { describeTls } from './describe-tls.ts'
import { connackReason, reason } from './reason-codes.ts'

const timeouts = {
  // Not "no CONNACK": the timeout includes the wait for the options and the store, before there is a socket.
  connect: 'not connected in time (with protocolVersion: 5, a broker without MQTT 5 may never answer)',
  refresh: 'the credentials source did not answer in time',
  probe: 'no PINGRESP in time after a wake-up',
  restore: 'no SUBACK in time',
  ack: 'no acknowledgement of a publish in time',
  authentication:
    'enhanced authentication did not end in time: the server did not answer AUTH, or the application did not',
  traffic: 'no message within expectTrafficWithin, nor after a PINGREQ: the server may deliver nothing',
} as const

/** Why a server may end a connection before the CONNACK. */
const EARLY =
  'be at its limit of connections, be a proxy whose backend is down, require a client certificate, ' +
  "or not take this version of MQTT (protocolVersion: 'auto' tries both)"

/** What is likelier, by the handshake during which it ends it. */
const PORT = {
  none: 'speak TLS or WebSocket on this port',
  tls: 'not speak TLS on this port',
  websocket: 'not speak WebSocket on this port (or with TLS where the URL has none, or the other way round)',
} as const

function whyEarly(handshake: keyof typeof PORT = 'none'): string {
  return `it may ${PORT[handshake]}, ${EARLY}`
}

const TAKEOVER =
  ', soon after it had accepted it, again and again: perhaps another client uses the same client id and takes the session over'

/** The message of Node for a connection that ended during the TLS handshake. */
const DURING_HANDSHAKE = 'before secure TLS connection was established'

/** Describes a failure in words, for people and logs. The text never contains a secret. */
export function describeFailure(failure: Failure): string {
  switch (failure.kind) {
    case 'socket':
      return describeSocket(failure)
    case 'tls':
      return describeTls(failure)
    case 'websocket':
      return describeWebSocket(failure)
    case 'timeout':
      return timeouts[failure.phase]
    case 'keepalive':
      return 'no PINGRESP within 1.5 × keep alive: the connection is half-open'
    case 'closed':
      return describeClose(failure)
    case 'protocol':
      return describeProtocol(failure)
    case 'refused': {
      const { reasonCode, protocolVersion, reasonString, nextVersion } = failure
      const described = `connection refused: ${connackReason(reasonCode, protocolVersion, reasonString)}`
      return nextVersion === undefined ? described : `${described}; MQTT 3.1.1 is tried next`
    }
    case 'disconnected': {
      const { reasonCode, reasonString, reauthenticating } = failure
      const occasion = reauthenticating ? ' while the client renewed its credentials by AUTH' : ''
      return `the server disconnected${occasion}: ${reason(reasonCode, reasonString)}`
    }
    case 'authentication':
      return describeAuthentication(failure)
    case 'unprocessed':
      return 'a handler failed to process a message, so the client closed the connection to receive it again'
    case 'credentials':
      return 'the credentials source reported that the account is wrong'
    case 'refresh':
      return `the credentials source failed with ${failure.name}${failure.code === undefined ? '' : ` (${failure.code})`}`
    case 'options':
      return `the connection options failed with ${failure.name}`
    case 'internal':
      if (failure.actor === 'machine') return `the connection machine failed with ${failure.message}`
      return `the ${failure.actor} actor failed: ${failure.message}`
  }
}

function describeAuthentication({ step, name }: FailureOf<'authentication'>): string {
  const what = step === 'verify' ? 'refused what the server sent to prove its identity,' : 'failed'
  return `options.authentication: ${step} ${what} with ${name}`
}

type FailureOf<Kind extends Failure['kind']> = Extract<Failure, { readonly kind: Kind }>

function describeClose({
  beforeConnack,
  suspicion,
  reauthenticating,
  silence,
  keepalive = 0,
}: FailureOf<'closed'>): string {
  if (beforeConnack) return `the server closed the connection before the CONNACK: ${whyEarly()}`
  if (suspicion) return `the server closed the connection without giving a reason${TAKEOVER}`
  if (reauthenticating) return 'the server closed the connection while the client renewed its credentials by AUTH'
  if (silence === undefined) return 'the server closed the connection without giving a reason'
  const pings = keepalive === 0 ? 'keep alive is off' : `keep alive is ${keepalive / 1_000} s`
  return `the server, or something in between, closed the connection after ${(silence / 1_000).toFixed(1)} s of silence; ${pings}`
}

function describeSocket({ message, beforeConnack, handshake, bySource }: FailureOf<'socket'>): string {
  if (bySource) return `the function socket could not open a connection: ${message}`
  if (message.includes(DURING_HANDSHAKE)) {
    return `the server closed the connection during the TLS handshake: ${whyEarly('tls')}`
  }
  return beforeConnack
    ? `the server reset the connection before the CONNACK (${message}): ${whyEarly(handshake)}`
    : message
}

function describeWebSocket({ status, message, location }: FailureOf<'websocket'>): string {
  if (status === undefined) return message
  const answer = `the server answered the WebSocket upgrade with HTTP ${status}`
  if (status === 404) return `${answer}: the path of the URL may be wrong`
  if (location !== undefined) return `${answer}, a redirection to ${location}: the URL may be wrong`
  return answer
}

function describeProtocol({ message, speaks }: FailureOf<'protocol'>): string {
  switch (speaks) {
    case 'tls':
      return `the server speaks TLS on this port (${message}): use mqtts: or wss:, or its port for plain MQTT`
    case 'http':
      return `the server speaks HTTP on this port (${message}): use ws: or wss:, or its port for MQTT`
    default:
      return `the server broke the protocol: ${message}`
  }
}
