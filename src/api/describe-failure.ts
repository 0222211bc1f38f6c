import type { Failure } from '../../machines/failure.ts'

/** Descriptions of the reason codes (MQTT 5 §2.4). */
const reasons: Readonly<Record<number, string>> = {
  0x00: 'normal disconnection',
  0x80: 'unspecified error',
  0x81: 'malformed packet',
  0x82: 'protocol error',
  0x83: 'implementation specific error',
  0x84: 'unsupported protocol version',
  0x85: 'client identifier not valid',
  0x86: 'bad user name or password',
  0x87: 'not authorized',
  0x88: 'server unavailable',
  0x89: 'server busy',
  0x8a: 'banned',
  0x8b: 'server shutting down',
  0x8c: 'bad authentication method',
  0x8d: 'keep alive timeout',
  0x8e: 'session taken over',
  0x8f: 'topic filter invalid',
  0x90: 'topic name invalid',
  0x93: 'receive maximum exceeded',
  0x94: 'topic alias invalid',
  0x95: 'packet too large',
  0x96: 'message rate too high',
  0x97: 'quota exceeded',
  0x98: 'administrative action',
  0x99: 'payload format invalid',
  0x9a: 'retain not supported',
  0x9b: 'QoS not supported',
  0x9c: 'use another server',
  0x9d: 'server moved',
  0x9e: 'shared subscriptions not supported',
  0x9f: 'connection rate exceeded',
  0xa0: 'maximum connect time',
  0xa1: 'subscription identifiers not supported',
  0xa2: 'wildcard subscriptions not supported',
}

/** Descriptions of the CONNACK return codes (MQTT 3.1.1 §3.2.2.3). */
const returnCodes: Readonly<Record<number, string>> = {
  1: 'unacceptable protocol version',
  2: 'identifier rejected',
  3: 'server unavailable',
  4: 'bad user name or password',
  5: 'not authorized',
}

const timeouts = {
  // Not "no CONNACK": the timeout includes the wait for the options and the store, before there is a socket.
  connect: 'not connected in time',
  refresh: 'the credentials source did not answer in time',
  probe: 'no PINGRESP in time after a wake-up',
  restore: 'no SUBACK in time',
  ack: 'no acknowledgement of a publish in time',
} as const

/** Describes a failure in words, for people and logs. The text never contains a secret. */
export function describeFailure(failure: Failure): string {
  switch (failure.kind) {
    case 'socket':
    case 'tls':
    case 'websocket':
      return failure.message
    case 'timeout':
      return timeouts[failure.phase]
    case 'keepalive':
      return 'no PINGRESP within 1.5 × keep alive: the connection is half-open'
    case 'closed':
      return 'the server closed the connection without giving a reason'
    case 'protocol':
      return `the server broke the protocol: ${failure.message}`
    case 'refused': {
      const words = failure.protocolVersion === 5 ? reasons : returnCodes
      return `connection refused: ${reason(failure.reasonCode, words)}${quoted(failure.reasonString)}`
    }
    case 'disconnected':
      return `the server disconnected: ${reason(failure.reasonCode, reasons)}${quoted(failure.reasonString)}`
    case 'unprocessed':
      return 'a handler failed to process a message, so the client closed the connection to receive it again'
    case 'credentials':
      return 'the credentials source reported that the account is wrong'
    case 'refresh':
      return `the credentials source failed with ${failure.name}`
    case 'options':
      return `the connection options failed with ${failure.name}`
    case 'internal':
      if (failure.actor === 'machine') return `the connection machine failed with ${failure.message}`
      return `the ${failure.actor} actor failed: ${failure.message}`
  }
}

/** Formats a reason code as the specifications do: `0x87`. */
export function hex(reasonCode: number): string {
  return `0x${reasonCode.toString(16).padStart(2, '0')}`
}

function reason(code: number, words: Readonly<Record<number, string>>): string {
  return words[code] ?? `reason code ${hex(code)}`
}

function quoted(reasonString: string | undefined): string {
  return reasonString ? ` (“${reasonString}”)` : ''
}
