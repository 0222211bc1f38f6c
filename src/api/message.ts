// These types are written by hand, so that no type of MQTT.js or XState leaks into the main entry.

/** The Quality of Service: 0 delivers at most once, 1 at least once, 2 exactly once (MQTT 5 §4.3). */
export type Qos = 0 | 1 | 2

/** Text, which is sent as UTF-8, or bytes. */
export type Payload = string | Uint8Array

/** Properties of a PUBLISH (MQTT 5 §3.3.2.3), named as in MQTT.js. */
export interface PublishProperties {
  readonly payloadFormatIndicator?: boolean
  /** In seconds, as on the wire. */
  readonly messageExpiryInterval?: number
  readonly responseTopic?: string
  readonly correlationData?: Uint8Array
  readonly userProperties?: Readonly<Record<string, string | readonly string[]>>
  readonly contentType?: string
  /** In incoming messages only: the identifiers of the subscriptions that matched. */
  readonly subscriptionIdentifier?: number | readonly number[]
}

/** User Properties of any packet. A list is the same property several times (MQTT 5 §3.3.2.3.7). */
export type UserProperties = NonNullable<PublishProperties['userProperties']>

/** A received message. */
export interface Message<Value = Uint8Array> {
  readonly topic: string
  readonly payload: Uint8Array
  /** The value that the subscription's codec decoded; without a codec, the payload. */
  readonly value: Value
  /** Decodes the payload as UTF-8. */
  text(): string
  readonly qos: Qos
  readonly retain: boolean
  /** Whether the broker may have sent the message before (the DUP flag). */
  readonly dup: boolean
  readonly properties: PublishProperties | undefined
}
