import type { PublishProperties, UserProperties } from '../api/message.ts'

/** A PUBLISH that is sent. */
export interface OutgoingPublish {
  readonly topic: string
  readonly payload: string | Uint8Array
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly properties: PublishProperties | undefined
}

/** A PUBLISH that was received. */
export interface IncomingPublish {
  readonly topic: string
  readonly payload: Uint8Array
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly dup: boolean
  /** 0 for QoS 0. */
  readonly packetId: number
  readonly properties: PublishProperties | undefined
}

/** Reason codes from this one on are errors (MQTT 5 §2.4). */
export const FIRST_ERROR = 0x80

/** PUBACK, PUBREC or PUBCOMP. */
export interface Ack {
  readonly type: 'puback' | 'pubrec' | 'pubcomp'
  readonly packetId: number
  /** 0 on MQTT 3.1.1. */
  readonly reasonCode: number
  /** The broker's text for a refusal, if it gave one. It is safe to display. */
  readonly reasonString: string | undefined
}

/** SUBACK. */
export interface Suback {
  /** The reason codes of the filters, in their order. */
  readonly granted: readonly number[]
  /** The broker's text, if it gave one. It is safe to display. */
  readonly reasonString: string | undefined
}

export interface SubscriptionRequest {
  readonly filter: string
  readonly qos: 0 | 1 | 2
  /** MQTT 5 §3.8.3.1. */
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
  /** Sent with the messages of the subscription, if the broker supports identifiers (MQTT 5 §3.8.2.1.2). */
  readonly identifier: number
  /** MQTT 5 §3.8.2.1.3. */
  readonly userProperties?: UserProperties | undefined
}
