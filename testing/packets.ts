import type { IPublishPacket, Packet, PacketCmd } from 'mqtt-packet'

/** The packet of one kind, such as `PacketOf<'connect'>`. */
export type PacketOf<C extends PacketCmd> = Extract<Packet, { cmd: C }>

/** A packet that a scripted server received. */
export interface ReceivedPacket<P extends Packet = Packet> {
  readonly packet: P
  /** In milliseconds since the epoch, with a fraction. */
  readonly at: number
}

/** Fields of a PUBLISH, except for its topic and payload. */
export interface PublishFields extends Partial<Pick<IPublishPacket, 'qos' | 'retain' | 'dup' | 'messageId'>> {
  /** MQTT 5 properties, as in mqtt-packet. @default none */
  properties?: NonNullable<IPublishPacket['properties']>
}

/** Fields of a DISCONNECT. */
export interface DisconnectFields {
  /** @default 0 */
  reasonCode?: number
  reasonString?: string
  serverReference?: string
}
