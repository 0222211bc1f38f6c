import type { Ack, BrokerLimits, IncomingPublish, OutgoingPublish, SubscriptionRequest } from '../wire/packets.ts'
import type { Failure } from '../../machines/failure.ts'

/**
 * One open connection, as the session sees it: packets go in here, and come out through `LinkEvents`. A link that is
 * closed swallows what it is given.
 */
export interface Link {
  /** Which server it leads to, without credentials: what one minds, another may take. */
  readonly server: string
  readonly protocolVersion: 3 | 4 | 5
  readonly limits: BrokerLimits
  /** Whether more can be written without piling up in memory. If not, `LinkEvents.writable` follows. */
  readonly writable: boolean
  /** Whether the socket has taken all bytes that were written. */
  readonly flushed: boolean
  /**
   * Sends PUBLISH.
   *
   * @param written - called once the bytes are with the socket, or can't be; QoS 0 only
   * @throws if it can't be encoded: nothing was sent then
   */
  publish(packet: OutgoingPublish, packetId: number, dup: boolean, written?: (error?: Error) => void): void
  /** Sends PUBREL for a publish of an earlier connection. */
  pubrel(packetId: number): void
  /** Sends PINGREQ; resolves at the next PINGRESP, or never. */
  ping(): Promise<void>
  /** Sends the PUBACK or PUBCOMP that was held back. */
  acknowledge(packet: IncomingPublish): void
  /** Sends one SUBSCRIBE for filters that share their options; resolves with the SUBACK's codes in order. Rejects when the connection ends first. */
  subscribe(requests: readonly SubscriptionRequest[]): Promise<readonly number[]>
  /** Sends one UNSUBSCRIBE; resolves at the UNSUBACK. Rejects when the connection ends first. */
  unsubscribe(filters: readonly string[]): Promise<void>
  /**
   * Ends the connection for a reason of ours; `detached` is called before it returns.
   *
   * @param reasonCode - of our DISCONNECT (MQTT 5 §3.14.2.1); 0 is a normal disconnection
   */
  fail(failure: Failure, reasonCode: number): void
}

/** What a link tells the session. None of them may throw. */
export interface LinkEvents {
  /**
   * The CONNACK came. Packets may follow it at once, and be acknowledged; the link becomes writable later, when
   * `writable` is called.
   */
  attached(link: Link, sessionPresent: boolean): void
  /**
   * The connection ended: with a failure, unless we closed it.
   *
   * @returns whether it worked, and failed because of one packet, which is set aside
   */
  detached(link: Link, failure: Failure | undefined): boolean
  acknowledged(ack: Ack): void
  /** PUBREC came, and PUBREL is about to be sent: after what is returned. */
  releasing(packetId: number): Promise<void> | undefined
  /** @returns whether its acknowledgement is held back, until `Link.acknowledge` */
  received(packet: IncomingPublish): boolean
  /** The socket takes bytes again. */
  writable(): void
}

/** Where packet ids come from: they belong to the session, not to a connection. */
export interface PacketIdSource {
  /** A free id, or `null` if all 65,535 are in use. */
  allocate(): number | null
  release(packetId: number): void
}
