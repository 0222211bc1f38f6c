import type { Qos } from './message.ts'

/** The packet types of MQTT 5 (§2.1.2), named as in MQTT.js. */
export type PacketType =
  | 'connect'
  | 'connack'
  | 'publish'
  | 'puback'
  | 'pubrec'
  | 'pubrel'
  | 'pubcomp'
  | 'subscribe'
  | 'suback'
  | 'unsubscribe'
  | 'unsuback'
  | 'pingreq'
  | 'pingresp'
  | 'disconnect'
  | 'auth'

/**
 * A packet on the wire, for debugging. It has no payload, no user name or password, no will, and no property but the Topic
 * Alias. Topics and topic filters are as they are on the wire.
 */
export interface PacketEvent {
  readonly direction: 'sent' | 'received'
  readonly type: PacketType
  /** The size of the whole packet in bytes. */
  readonly size: number
  /** The Packet Identifier, if the packet has one. */
  readonly packetId?: number
  /** Of PUBLISH. */
  readonly qos?: Qos
  /** Of PUBLISH. */
  readonly retain?: boolean
  /** Of PUBLISH. */
  readonly dup?: boolean
  /** Of PUBLISH. It is empty if a Topic Alias stands for the topic. */
  readonly topic?: string
  /** Of PUBLISH, if it has one. */
  readonly topicAlias?: number
  /** Of SUBSCRIBE and UNSUBSCRIBE. */
  readonly filters?: readonly string[]
  /** Of CONNACK, and on MQTT 5 of PUBACK, PUBREC, PUBREL, PUBCOMP, DISCONNECT and AUTH. */
  readonly reasonCode?: number
  /** Of SUBACK, and on MQTT 5 of UNSUBACK: one for each filter. */
  readonly reasonCodes?: readonly number[]
}
