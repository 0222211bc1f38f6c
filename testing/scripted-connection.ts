import type { IConnectPacket, IPublishPacket, Packet, PacketCmd } from 'mqtt-packet'
import type { Behaviour, DisconnectFields, PacketOf } from './behaviour.ts'

/** One TCP connection of a scripted server: the record of what it received, and the hands on it. */
export interface ScriptedConnection {
  /** From 1, in the order TCP was accepted. */
  readonly n: number
  /** May be replaced while the connection lives; the next packet follows the new one. */
  behaviour: Behaviour
  readonly connect: IConnectPacket | undefined
  /** Every packet received, in order. */
  readonly packets: readonly ReceivedPacket[]
  /** What was wrong below or in the MQTT the client sent: malformed bytes, a failed TLS handshake, a bad frame. */
  readonly errors: readonly Error[]
  /** ms since the epoch, with a fraction; so are the other times. */
  readonly openedAt: number
  readonly isOpen: boolean
  /** How it closed; undefined while it is open. */
  readonly ending: Ending | undefined
  /** The most QoS 1 and 2 publishes ever un-acked at once: what Receive Maximum bounds. */
  readonly mostInFlight: number
  received<C extends PacketCmd>(cmd: C): PacketOf<C>[]
  /** Encodes for the client's protocol version. False when it is closed. Throws on a packet that cannot be encoded. */
  send(packet: Packet): boolean
  /** Sends a PUBLISH, with a packet id of the server's own when QoS is above 0. */
  publish(topic: string, payload: string | Buffer, options?: PublishOptions): boolean
  write(bytes: Uint8Array): boolean
  /** Sends a DISCONNECT (MQTT 5 only) and leaves the link open. */
  disconnect(fields?: DisconnectFields): boolean
  /** FIN; on WebSocket a Close frame first, with a status if given. A client that stays is cut off after a second. */
  close(status?: number, reason?: string): void
  /** RST. */
  reset(): void
}

export interface ReceivedPacket<P extends Packet = Packet> {
  readonly packet: P
  readonly at: number
}

/** `disconnect` means that side sent a DISCONNECT before it closed. */
export interface Ending {
  readonly by: 'client' | 'server'
  readonly how: 'disconnect' | 'fin' | 'reset'
  /** WebSocket close status. */
  readonly status?: number
  readonly at: number
}

export interface PublishOptions extends Partial<Pick<IPublishPacket, 'qos' | 'retain' | 'dup' | 'messageId'>> {
  properties?: NonNullable<IPublishPacket['properties']>
}
