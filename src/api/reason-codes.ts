/** Descriptions of the reason codes of MQTT 5 (§2.4). */
const reasons: Readonly<Record<number, string>> = {
  0x00: 'normal disconnection',
  0x04: 'disconnect with will message',
  0x10: 'no matching subscribers',
  0x11: 'no subscription existed',
  0x18: 'continue authentication',
  0x19: 're-authenticate',
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
  0x91: 'packet identifier in use',
  0x92: 'packet identifier not found',
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

/** Descriptions of the CONNACK return codes of MQTT 3.1.1 (§3.2.2.3). */
const returnCodes: Readonly<Record<number, string>> = {
  1: 'unacceptable protocol version',
  2: 'identifier rejected',
  3: 'server unavailable',
  4: 'bad user name or password',
  5: 'not authorized',
}

/** Describes a reason code. @param reasonString - the broker's own words, if it gave any */
export function reason(code: number, reasonString?: string): string {
  return words(reasons, code) + quoted(reasonString)
}

/** Describes the code of a CONNACK. @param protocolVersion - the version to which the code belongs */
export function connackReason(code: number, protocolVersion: 3 | 4 | 5, reasonString?: string): string {
  return words(protocolVersion === 5 ? reasons : returnCodes, code) + quoted(reasonString)
}

/** Formats a reason code as the specifications do, behind its description: `not authorized (0x87)`. */
export function reasonWithCode(code: number, reasonString?: string): string {
  const described = reasons[code] === undefined ? words(reasons, code) : `${reasons[code]} (${hex(code)})`
  return described + quoted(reasonString)
}

function words(table: Readonly<Record<number, string>>, code: number): string {
  return table[code] ?? `reason code ${hex(code)}`
}

/** A reason code in MQTT's notation, such as `0x87`. */
export function hex(code: number): string {
  return `0x${code.toString(16).padStart(2, '0')}`
}

function quoted(reasonString: string | undefined): string {
  return reasonString ? ` (“${reasonString}”)` : ''
}
