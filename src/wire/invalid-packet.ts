/** The rules that a packet can break by itself, each with the reason code for our DISCONNECT and the clause of MQTT 5. */
const rules = {
  remainingLength: [0x81, '1.5.5', 'a Remaining Length of more than 4 bytes'],
  packetTooLarge: [0x95, '3.1.2.11.4', 'more bytes than our Maximum Packet Size'],
  outOfMemory: [0x95, '4.13.1', 'more bytes than memory has room for'],
  truncated: [0x81, '4.13.1', 'a length beyond its end'],
  trailingBytes: [0x81, '4.13.1', 'bytes behind its last field'],
  flags: [0x81, '2.1.3', 'invalid flags'],
  qos: [0x81, '3.3.1.2', 'QoS 3'],
  dupWithQos0: [0x81, '3.3.1.1', 'DUP and QoS 0'],
  packetIdentifier: [0x81, '2.2.1', 'the Packet Identifier 0'],
  utf8: [0x81, '1.5.4', 'text that is not UTF-8'],
  nullCharacter: [0x81, '1.5.4', 'U+0000 in a text'],
  topicEmpty: [0x82, '3.3.2.1', 'neither a topic nor a Topic Alias'],
  topicWildcard: [0x90, '3.3.2.1', 'a wildcard in its topic'],
  propertyNotAllowed: [0x81, '2.2.2.2', 'a property that it can not have'],
  propertyTwice: [0x82, '2.2.2.2', 'a property twice'],
  variableByteInteger: [0x81, '1.5.5', 'a Variable Byte Integer of more than 4 bytes'],
  payloadFormatIndicator: [0x82, '3.3.2.3.2', 'a Payload Format Indicator other than 0 and 1'],
  subscriptionIdentifier: [0x82, '3.3.2.3.8', 'the Subscription Identifier 0'],
  responseTopicWildcard: [0x82, '3.3.2.3.5', 'a wildcard in its Response Topic'],
  topicAliasInvalid: [0x94, '3.3.2.3.4', 'a Topic Alias of 0, or above our Topic Alias Maximum'],
  topicAliasUnknown: [0x82, '3.3.2.3.4', 'a Topic Alias that stands for no topic'],
} as const satisfies Record<string, readonly [reasonCode: number, clause: string, what: string]>

/** The name of a rule that a packet can break. */
export type PacketRule = keyof typeof rules

/** The packets that MQTT.js does not get, by packet type (MQTT 5 §2.1.2). */
const NAMES: Readonly<Record<number, string>> = {
  3: 'PUBLISH',
  4: 'PUBACK',
  5: 'PUBREC',
  6: 'PUBREL',
  7: 'PUBCOMP',
  13: 'PINGRESP',
  15: 'AUTH',
}

/** The name of a packet that MQTT.js does not get, for messages. @param header - its first byte */
export function packetName(header: number): string {
  return NAMES[header >> 4] ?? 'packet'
}

/**
 * The server sent a packet that MQTT forbids. The message quotes nothing of it: topics and payloads may be secret, and of any
 * length.
 */
export class InvalidPacketError extends Error {
  override readonly name = 'InvalidPacketError'
  readonly rule: PacketRule
  /** For our DISCONNECT (MQTT 5 §3.14.2.1). */
  readonly reasonCode: number
  /** The section of MQTT 5 that forbids it. */
  readonly clause: string

  /** @param header - the first byte of the packet */
  constructor(rule: PacketRule, header: number) {
    const [reasonCode, clause, what] = rules[rule]
    super(`${packetName(header)} with ${what} (MQTT 5 §${clause})`)
    this.rule = rule
    this.reasonCode = reasonCode
    this.clause = clause
  }
}
