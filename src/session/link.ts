import type { Failure } from '../../machines/failure.ts'
import type { UserProperties } from '../api/message.ts'
import type { BrokerStatus, TrafficStatus } from '../api/status.ts'
import type { ConnectConfig } from '../config/client-config.ts'
import type { Ack, IncomingPublish, OutgoingPublish, Suback, SubscriptionRequest } from '../wire/packets.ts'

/**
 * The reason code of our DISCONNECT if the client reconnects at once: the broker discards the will and keeps the session (MQTT 5
 * §3.14.2.1).
 */
export const NORMAL_DISCONNECTION = 0

/**
 * One open connection, as the session sees it. The session sends packets through a link and receives them through
 * `LinkEvents`. A closed link ignores what it is given.
 */
export interface Link {
  /** The server at the other end, without credentials. One server may object to a packet that another accepts. */
  readonly server: string
  readonly protocolVersion: 3 | 4 | 5
  /** What the CONNECT asked for. */
  readonly connect: Pick<ConnectConfig, 'clean' | 'sessionExpiry'>
  readonly clientId: string
  /** What the CONNACK announced. */
  readonly limits: BrokerStatus
  /** How many QoS 1 and 2 messages of the broker may be unacked. */
  readonly receiveMaximum: number
  /** Whether more can be written without filling memory. If not, `LinkEvents.writable` is called later. */
  readonly writable: boolean
  /** The bytes of this connection so far. */
  readonly traffic: TrafficStatus
  /** Whether the socket has taken all bytes that were written. */
  readonly flushed: boolean
  /**
   * Sends PUBLISH. For QoS 0, `LinkEvents.written` is called later.
   *
   * @throws if the packet can't be encoded. Nothing is sent then
   */
  publish(packet: OutgoingPublish, packetId: number, dup: boolean): void
  /** Sends PUBREL. */
  pubrel(packetId: number): void
  /** Sends PINGREQ; resolves at the next PINGRESP, or never. */
  ping(): Promise<void>
  /**
   * Sends the PUBACK or PUBCOMP that was held back.
   *
   * @param reasonCode - of the PUBACK (MQTT 5 §3.4.2.1). MQTT 3.1.1 has none. @default 0
   */
  acknowledge(packet: IncomingPublish, reasonCode?: number): void
  /**
   * Asks for no more messages until `resumeReading`. Some still come: the link reads on as long as the broker owes an
   * answer.
   */
  pauseReading(): void
  resumeReading(): void
  /**
   * Sends one SUBSCRIBE for filters with the same options and user properties. Resolves with the SUBACK; rejects if the connection ends
   * first.
   */
  subscribe(requests: readonly SubscriptionRequest[]): Promise<Suback>
  /** Sends one UNSUBSCRIBE. Resolves at the UNSUBACK; rejects if the connection ends first. */
  unsubscribe(filters: readonly string[], userProperties?: UserProperties): Promise<void>
  /**
   * Ends the connection from our side. `LinkEvents.detached` is called before this returns.
   *
   * @param reasonCode - of our DISCONNECT (MQTT 5 §3.14.2.1); 0 is a normal disconnection
   */
  fail(failure: Failure, reasonCode: number): void
}

/** What a link reports to the session. None of these may throw. */
export interface LinkEvents {
  /**
   * The CONNACK arrived. Messages may follow and be acknowledged at once. The link becomes writable later, when
   * `writable` is called.
   */
  attached(link: Link, sessionPresent: boolean): void
  /**
   * The connection ended: with a failure, unless we closed it.
   *
   * @returns whether the connection failed because of a single packet, which is now left out
   */
  detached(link: Link, failure: Failure | undefined): boolean
  /** An attempt to connect failed before its CONNACK: the server or the network may be down. */
  attemptFailed(): void
  /** PUBACK, PUBREC or PUBCOMP arrived. After a PUBREC, PUBREL is up to the session. */
  acknowledged(ack: Ack): void
  /**
   * PUBLISH arrived. A message of QoS 2 has to be kept until its PUBREL, and its PUBREC is sent now.
   *
   * @returns whether the PUBACK is held back until `Link.acknowledge`
   */
  received(packet: IncomingPublish): boolean
  /**
   * PUBREL arrived.
   *
   * @returns whether the PUBCOMP is held back until `Link.acknowledge`
   */
  released(packetId: number): boolean
  /** The socket has taken that many of the QoS 0 publishes, in their order. */
  written(count: number): void
  /** Whether the broker owes us an acknowledgement of a publish, a SUBACK or UNSUBACK, or a response to a request. */
  isAwaitingAnswer(): boolean
  /** The socket takes bytes again. */
  writable(): void
}

/** The source of packet ids. They belong to the session, not to a connection. */
export interface PacketIdSource {
  /** A free id, or `null` if all 65,535 are in use. */
  allocate(): number | null
  release(packetId: number): void
}
