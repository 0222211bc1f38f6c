import type { IConnackPacket, IConnectPacket, IPublishPacket, ISubscription, Packet, PacketCmd } from 'mqtt-packet'
import type { ScriptedConnection } from './scripted-connection.ts'

export type PacketOf<C extends PacketCmd> = Extract<Packet, { cmd: C }>

/**
 * How a scripted server treats one connection. An empty object is a minimal correct broker; each field departs from
 * that in one way. The table fields accept a function, which sees the packet.
 */
export interface Behaviour {
  /** Refuses the WebSocket upgrade with this HTTP status, such as 401, 403 or 503. */
  upgradeStatus?: number
  /** Fields of the CONNACK; `false` never sends one: a black hole. @default accepts */
  connack?: Connack | false | ((connect: IConnectPacket) => Connack | false)
  /** `false` never answers a PINGREQ. @default true */
  pingresp?: boolean
  /** Reason code of PUBACK or PUBREC, by topic filter if a table; `false` never acks. @default 0 */
  puback?: Answer | Readonly<Record<string, Answer>> | ((publish: IPublishPacket) => Answer)
  /**
   * Reason code of each filter in a SUBACK, by exact filter if a table; `false` never sends a SUBACK. A code from 0x80
   * goes to a 3.1.1 client as 0x80. @default grants what was asked for
   */
  suback?: Answer | Readonly<Record<string, number>> | ((subscription: ISubscription) => number)
  /** Holds back every answer this many ms, CONNACK and PINGRESP too, pipelined: simulates a round trip. @default 0 */
  delay?: number
  /** What happens in place of the normal answer at certain moments. Of several that fit, the first is taken. */
  steps?: readonly Step[]
}

/** A reason code, or no answer at all. A 3.1.1 client's PUBACK carries no code. */
export type Answer = number | false

/** The connection is closed after a code other than 0, as the specification asks. */
export interface Connack {
  /** Return code to a 3.1.1 client, reason code to a 5 client. @default 0 */
  reasonCode?: number
  /** @default false */
  sessionPresent?: boolean
  /** MQTT 5 only: Receive Maximum, Reason String, Server Reference, … */
  properties?: NonNullable<IConnackPacket['properties']>
}

/** A moment: TCP accepted, CONNACK just sent, or a packet received. */
export type Moment = 'accept' | 'connack' | Exclude<PacketCmd, 'connack' | 'pingresp' | 'suback' | 'unsuback'>

/** What an action's function is given: the packet received, or at `connack` the one sent. */
export type MomentPacket<M extends Moment> = M extends PacketCmd ? PacketOf<M> : undefined

export type Step = { [M in Moment]: StepAt<M> }[Moment]

export interface StepAt<M extends Moment> {
  at: M
  /** Only a PUBLISH to a topic that matches this filter. */
  topic?: M extends 'publish' ? string : never
  /** Only the n-th fitting one of this connection, from 1. @default every one */
  nth?: number
  /** Wait this many ms first; there is no normal answer meanwhile. @default 0 */
  after?: number
  do: Action | ((connection: ScriptedConnection, packet: MomentPacket<M>) => void)
}

/** What the server does to a connection. */
export type Action =
  /** Nothing; the link stays open. */
  | 'ignore'
  /** Ends the stream: FIN, on WebSocket after a Close frame without a status. */
  | 'close'
  /** Ends a WebSocket with this status code; on TCP the same as `'close'`. */
  | { close: number; reason?: string }
  /** RST. */
  | 'reset'
  /** Sends bytes that no MQTT parser accepts; the link stays open. */
  | 'malformed'
  /** Sends exactly these bytes; the link stays open. */
  | { bytes: Uint8Array }
  /** Sends a packet; the link stays open. */
  | { send: Packet }
  /** Sends a DISCONNECT, then closes unless `close` is false. MQTT 3.1.1 has no such packet: there it only closes. */
  | { disconnect: DisconnectFields; close?: boolean }

export interface DisconnectFields {
  /** @default 0 */
  reasonCode?: number
  reasonString?: string
  serverReference?: string
}

/** Behaviour of every connection, one per connection with the last repeating, or chosen when TCP is accepted. */
export type Script =
  | Behaviour
  | readonly Behaviour[]
  /** `n` counts connections from 1; the CONNECT has not arrived yet. */
  | ((connection: ScriptedConnection, n: number) => Behaviour)

/** The behaviour a script has for the n-th connection. */
export function behaviourOf(script: Script, connection: ScriptedConnection, n: number): Behaviour {
  if (typeof script === 'function') return script(connection, n)
  if (!isList(script)) return script
  return script[Math.min(n, script.length) - 1] ?? {}
}

/** MQTT 5 §4.7: topic filter matching with `+` and `#`; wildcards at the start do not match `$` topics. */
export function topicMatches(filter: string, topic: string): boolean {
  if (topic.startsWith('$') && !filter.startsWith('$')) return false
  const levels = topic.split('/')
  const wanted = filter.split('/')
  const hash = wanted.indexOf('#')
  const depth = hash === -1 ? wanted.length : hash
  if (hash === -1 ? levels.length !== depth : levels.length < depth) return false
  return wanted.slice(0, depth).every((level, i) => level === '+' || level === levels[i])
}

// Array.isArray does not narrow readonly arrays.
function isList(script: Script): script is readonly Behaviour[] {
  return Array.isArray(script)
}
