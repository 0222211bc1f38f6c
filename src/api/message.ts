/** What applications and messages consist of, by hand: no type of MQTT.js or XState leaks into the main entry. */

export type Qos = 0 | 1 | 2

export type Payload = string | Uint8Array

/** Properties of a PUBLISH (MQTT 5 §3.3.2.3), by MQTT.js's names. */
export interface PublishProperties {
  readonly payloadFormatIndicator?: boolean
  /** In seconds, as on the wire. */
  readonly messageExpiryInterval?: number
  readonly responseTopic?: string
  readonly correlationData?: Uint8Array
  readonly userProperties?: Readonly<Record<string, string | readonly string[]>>
  readonly contentType?: string
  /** Incoming only: the identifiers of the subscriptions that matched. */
  readonly subscriptionIdentifier?: number | readonly number[]
}

/** A message that came. */
export interface Message<Value = Uint8Array> {
  readonly topic: string
  readonly payload: Uint8Array
  /** What the subscription's codec made of the payload; without one the payload. */
  readonly value: Value
  /** The payload as UTF-8. */
  text(): string
  readonly qos: Qos
  readonly retain: boolean
  /** Whether it may have come before. */
  readonly dup: boolean
  readonly properties: PublishProperties | undefined
}
