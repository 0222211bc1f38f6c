import type { IConnackPacket, IConnectPacket, IPublishPacket, ISubscription, Packet, PacketCmd } from 'mqtt-packet'

import type { DisconnectFields, PacketOf, PublishFields, ReceivedPacket } from './packets.ts'

/** The behaviour of all connections: the same for each, one per connection (the last one repeats), or a function. */
export type Script =
  | Behaviour
  | readonly Behaviour[]
  /** Called when TCP is accepted, before the CONNECT has arrived. `n` counts connections from 1. */
  | ((connection: ScriptedConnection, n: number) => Behaviour)

/**
 * How a scripted server treats one connection. An empty object is a minimal correct broker; each field departs from
 * that in one way. The table fields accept a function, which is called with the packet.
 */
export interface Behaviour {
  /** Refuses the WebSocket upgrade with this HTTP status, such as 401, 403 or 503. */
  upgradeStatus?: number
  /** Fields of the CONNACK. With `false` the server never sends one. @default accepts */
  connack?: Connack | false | ((connect: IConnectPacket) => Connack | false)
  /**
   * Enhanced authentication (MQTT 5 §4.12): how to answer a CONNECT with an Authentication Method, and each AUTH.
   *
   * @default success
   */
  auth?: AuthAnswer | ((step: AuthStep) => AuthAnswer)
  /** With `false` the server never answers a PINGREQ. @default true */
  pingresp?: boolean
  /** Reason code of PUBACK or PUBREC; a table is by topic filter. With `false` the server never acknowledges. @default 0 */
  puback?: Answer | Readonly<Record<string, Answer>> | ((publish: IPublishPacket) => Answer)
  /**
   * Reason code of each filter in a SUBACK; a table is by exact filter. With `false` the server never sends a SUBACK. A
   * 3.1.1 client receives every code from 0x80 as 0x80.
   *
   * @default grants the requested QoS
   */
  suback?: Answer | Readonly<Record<string, number>> | ((subscription: ISubscription) => number)
  /**
   * Answers requests, which are publishes with a Response Topic (MQTT 5 §4.10), after their PUBACK: a function, or a table of
   * functions by topic filter.
   *
   * @default no request is answered
   */
  respond?: Respond | Readonly<Record<string, Respond>>
  /**
   * Delays every answer by this many milliseconds, CONNACK and PINGRESP too. Answers do not wait for each other, so this
   * simulates a round trip.
   *
   * @default 0
   */
  delay?: number
  /** Actions instead of the normal answer at certain moments. If several steps fit, the first is taken. */
  steps?: readonly Step[]
}

/** A reason code, or `false` for no answer. The PUBACK to a 3.1.1 client carries no code. */
export type Answer = number | false

/** @returns the payload of the response; with `undefined` there is none */
export type Respond = (request: IPublishPacket) => string | Buffer | undefined

/** What a client sent in an exchange of AUTH packets. */
export interface AuthStep {
  readonly method: string
  readonly data: Buffer | undefined
  /** Counts what the client has sent in this exchange, from 1. */
  readonly n: number
  /** Whether the client renews its credentials on an open connection. */
  readonly reauthentication: boolean
}

/** The answer to a step of an exchange of AUTH packets. */
export type AuthAnswer =
  /** An AUTH that continues the exchange. */
  | { challenge: string | Uint8Array }
  /** The CONNACK, or an AUTH with code 0, with this data. */
  | { success: string | Uint8Array | undefined }
  /** A CONNACK with this reason code, or a DISCONNECT, after which the server closes. */
  | { refuse: number }
  /** None. */
  | false

/** After a code other than 0 the connection is closed, as the specification requires. */
export interface Connack {
  /** The return code for a 3.1.1 client, the reason code for a 5 client. @default 0 */
  reasonCode?: number
  /** @default false */
  sessionPresent?: boolean
  /** MQTT 5 only: Receive Maximum, Reason String, Server Reference, … */
  properties?: NonNullable<IConnackPacket['properties']>
}

/** A moment of a connection: TCP was accepted, a CONNACK was sent, or a packet was received. */
export type Moment = 'accept' | 'connack' | Exclude<PacketCmd, 'connack' | 'pingresp' | 'suback' | 'unsuback'>

/** The packet that an action's function is called with: the one received, or at `connack` the one sent. */
export type MomentPacket<M extends Moment> = M extends PacketCmd ? PacketOf<M> : undefined

/** What a scripted server does at one of the moments. */
export type Step = { [M in Moment]: StepAt<M> }[Moment]

/** What a scripted server does at a certain moment. */
export interface StepAt<M extends Moment> {
  at: M
  /** Only a PUBLISH to a topic that matches this filter. */
  topic?: M extends 'publish' ? string : never
  /** Only the n-th time that the rest of this step fits on this connection, from 1. @default every time */
  nth?: number
  /** Waits this many milliseconds first. There is no normal answer meanwhile. @default 0 */
  after?: number
  do: Action | ((connection: ScriptedConnection, packet: MomentPacket<M>) => void)
}

/** An action of the server on a connection. */
export type Action =
  /** Does nothing. The link stays open. */
  | 'ignore'
  /** Ends the stream with a FIN; on WebSocket after a Close frame without a status. */
  | 'close'
  /** Ends a WebSocket with this status code. On TCP it is the same as `'close'`. */
  | { close: number; reason?: string }
  /** Sends an RST. */
  | 'reset'
  /** Sends bytes that no MQTT parser accepts. The link stays open. */
  | 'malformed'
  /** Sends exactly these bytes. The link stays open. */
  | { bytes: Uint8Array }
  /** Sends a packet. The link stays open. */
  | { send: Packet }
  /** Sends a DISCONNECT, then closes unless `close` is false. To a 3.1.1 client, which has no such packet, it only closes. */
  | { disconnect: DisconnectFields; close?: boolean }

/** One TCP connection of a scripted server: what it received, and what can be done to it. */
export interface ScriptedConnection {
  /** Counts connections from 1, in the order in which TCP was accepted. */
  readonly n: number
  /** May be replaced while the connection is open. It applies from the next packet on. */
  behaviour: Behaviour
  readonly connect: IConnectPacket | undefined
  /** All received packets, in order. */
  readonly packets: readonly ReceivedPacket[]
  /** The client's errors in MQTT or below it: malformed bytes, a failed TLS handshake, a bad frame. */
  readonly errors: readonly Error[]
  /** The topic filters that the client has subscribed to, and not unsubscribed from. */
  readonly subscriptions: ReadonlySet<string>
  /** In milliseconds since the epoch, with a fraction, like all other times here. */
  readonly openedAt: number
  readonly isOpen: boolean
  /** How the connection ended; `undefined` while it is open. */
  readonly ending: Ending | undefined
  /** The highest number of unacknowledged QoS 1 and 2 publishes at one time, which Receive Maximum limits. */
  readonly mostInFlight: number
  received<C extends PacketCmd>(cmd: C): PacketOf<C>[]
  /**
   * Encodes a packet for the client's protocol version and sends it.
   *
   * @returns `false` if the connection is closed
   * @throws {Error} if the packet cannot be encoded
   */
  send(packet: Packet): boolean
  /** Sends a PUBLISH. With a QoS above 0 the server chooses the packet id unless one is given. */
  publish(topic: string, payload: string | Buffer, options?: PublishFields): boolean
  write(bytes: Uint8Array): boolean
  /** Sends a DISCONNECT (MQTT 5 only). The link stays open. */
  disconnect(fields?: DisconnectFields): boolean
  /**
   * Ends the stream with a FIN; on WebSocket after a Close frame with the given status. If the client does not close its
   * side within a second, the socket is destroyed.
   */
  close(status?: number, reason?: string): void
  /** Sends an RST. */
  reset(): void
}

/** `disconnect` means that this side sent a DISCONNECT before it closed. */
export interface Ending {
  readonly by: 'client' | 'server'
  readonly how: 'disconnect' | 'fin' | 'reset'
  /** The WebSocket close status. */
  readonly status?: number
  readonly at: number
}

/** The behaviour that a script has for its n-th connection. */
export function behaviourOf(script: Script, connection: ScriptedConnection, n: number): Behaviour {
  if (typeof script === 'function') return script(connection, n)
  if (!isList(script)) return script
  return script[Math.min(n, script.length) - 1] ?? {}
}

// Array.isArray does not narrow readonly arrays.
function isList(script: Script): script is readonly Behaviour[] {
  return Array.isArray(script)
}
