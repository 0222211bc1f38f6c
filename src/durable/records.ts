import type { PublicationInit } from '../session/publication.ts'
import type { PublishProperties, Qos } from '../types.ts'
import { Reader, Writer } from './bytes.ts'

/**
 * The records of a store, format 1. Numbers are big-endian, `text` and `bytes` have their length before them.
 *
 *     key                      value
 *     00                       header: the magic, format u8, client id text
 *     01 sequence u64          a publication: flags u8, accepted at f64, [expires at f64], topic text,
 *                              [latest key text], [properties bytes], payload to the end
 *     02 sequence u64          where it is in its handshake: phase u8 (1 sent, 2 released), packet id u16
 *     03 sequence u64          it is set aside (quarantined): nothing
 *
 * The sequence is the order in which they were accepted. The handshake has a record of its own, so that the payload is
 * written once.
 */
export const FORMAT = 1

const MAGIC = new TextEncoder().encode('xstate-mqtt outbox\0')

const HEADER = 0
const PUBLICATION = 1
const HANDSHAKE = 2
const QUARANTINE = 3

/** By the first byte of a key with a sequence. */
const KINDS = new Map<number, 'publication' | 'handshake' | 'quarantine'>([
  [PUBLICATION, 'publication'],
  [HANDSHAKE, 'handshake'],
  [QUARANTINE, 'quarantine'],
])

/** Of a key with a sequence. */
const KEY_BYTES = 9

/** Bits of the flags; the lowest two are the QoS. */
const RETAIN = 0x04
const EXPIRES = 0x08
const LATEST_TOPIC = 0x10
const LATEST_KEY = 0x20
const PROPERTIES = 0x40
const UNKNOWN = 0x80

export interface Header {
  readonly format: number
  readonly clientId: string
}

export interface Handshake {
  readonly phase: 'sent' | 'released'
  readonly packetId: number
}

export type StoreKey =
  | { readonly kind: 'header' }
  | { readonly kind: 'publication' | 'handshake' | 'quarantine'; readonly sequence: number }

/** What of a publication outlives the process. */
export type StoredPublication = Omit<PublicationInit, 'durable' | 'resolve' | 'reject'>

export const headerKey: Uint8Array = Uint8Array.of(HEADER)

export function publicationKey(sequence: number): Uint8Array {
  return new Writer(KEY_BYTES).u8(PUBLICATION).u64(sequence).finish()
}

export function handshakeKey(sequence: number): Uint8Array {
  return new Writer(KEY_BYTES).u8(HANDSHAKE).u64(sequence).finish()
}

export function quarantineKey(sequence: number): Uint8Array {
  return new Writer(KEY_BYTES).u8(QUARANTINE).u64(sequence).finish()
}

/** @returns `undefined` if it is no key of ours */
export function decodeKey(key: Uint8Array): StoreKey | undefined {
  if (key.byteLength === 1 && key[0] === HEADER) return { kind: 'header' }
  const reader = new Reader(key)
  const kind = key.byteLength === KEY_BYTES ? KINDS.get(reader.u8()) : undefined
  return kind && { kind, sequence: reader.u64() }
}

export function encodeHeader(clientId: string): Uint8Array {
  return new Writer().raw(MAGIC).u8(FORMAT).text(clientId).finish()
}

/**
 * @returns `undefined` if it is no header of ours; of a newer format only the format is known
 * @throws {RangeError} {TypeError} if it is damaged
 */
export function decodeHeader(value: Uint8Array): Header | undefined {
  if (MAGIC.some((byte, index) => value[index] !== byte)) return undefined
  const reader = new Reader(value.subarray(MAGIC.byteLength))
  const format = reader.u8()
  return { format, clientId: format === FORMAT ? reader.text() : '' }
}

export function encodeHandshake({ phase, packetId }: Handshake): Uint8Array {
  return Uint8Array.of(phase === 'sent' ? 1 : 2, packetId >> 8, packetId & 0xff)
}

/** @throws {RangeError} if it is damaged */
export function decodeHandshake(value: Uint8Array): Handshake {
  const reader = new Reader(value)
  const phase = reader.u8()
  const packetId = reader.u16()
  if ((phase !== 1 && phase !== 2) || packetId === 0 || !reader.done) throw new RangeError('no such handshake')
  return { phase: phase === 1 ? 'sent' : 'released', packetId }
}

/** Its key says all of it. */
export function encodeQuarantine(): Uint8Array {
  return new Uint8Array(0)
}

/** @throws {RangeError} if it is damaged */
export function decodeQuarantine(value: Uint8Array): void {
  if (value.byteLength > 0) throw new RangeError('no such record')
}

export function encodePublication(publication: StoredPublication): Uint8Array {
  const { topic, payload, qos, retain, properties, acceptedAt, expiresAt, latest } = publication
  const expires = expiresAt !== Number.POSITIVE_INFINITY
  const encodedProperties = properties && encodeProperties(properties)
  const flags =
    qos |
    (retain ? RETAIN : 0) |
    (expires ? EXPIRES : 0) |
    latestFlag(publication) |
    (encodedProperties ? PROPERTIES : 0)
  const writer = new Writer().u8(flags).f64(acceptedAt)
  if (expires) writer.f64(expiresAt)
  writer.text(topic)
  if (flags & LATEST_KEY) writer.text(latest ?? '')
  if (encodedProperties) writer.bytes(encodedProperties)
  return (typeof payload === 'string' ? writer.rawText(payload) : writer.raw(payload)).finish()
}

function latestFlag({ latest, topic }: StoredPublication): number {
  if (latest === undefined) return 0
  return latest === topic ? LATEST_TOPIC : LATEST_KEY
}

/** @throws {RangeError} {TypeError} if it is damaged */
export function decodePublication(value: Uint8Array): StoredPublication {
  const reader = new Reader(value)
  const flags = reader.u8()
  const qos = flags & 0x03
  if (qos === 0 || qos === 3 || flags & UNKNOWN) throw new RangeError('unknown flags')
  const acceptedAt = reader.f64()
  const expiresAt = flags & EXPIRES ? reader.f64() : Number.POSITIVE_INFINITY
  const topic = reader.text()
  const latest = flags & LATEST_KEY ? reader.text() : undefined
  return {
    topic,
    qos: qos as Qos,
    retain: (flags & RETAIN) !== 0,
    acceptedAt,
    expiresAt,
    latest: flags & LATEST_TOPIC ? topic : latest,
    properties: flags & PROPERTIES ? decodeProperties(reader.bytes()) : undefined,
    payload: reader.rest(),
  }
}

/** Identifiers of MQTT 5 §2.2.2.2. */
const PAYLOAD_FORMAT_INDICATOR = 0x01
const MESSAGE_EXPIRY_INTERVAL = 0x02
const CONTENT_TYPE = 0x03
const RESPONSE_TOPIC = 0x08
const CORRELATION_DATA = 0x09
const USER_PROPERTY = 0x26

function encodeProperties(properties: PublishProperties): Uint8Array {
  const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic } = properties
  const { correlationData, userProperties } = properties
  const writer = new Writer()
  if (payloadFormatIndicator !== undefined) writer.u8(PAYLOAD_FORMAT_INDICATOR).u8(payloadFormatIndicator ? 1 : 0)
  if (messageExpiryInterval !== undefined) writer.u8(MESSAGE_EXPIRY_INTERVAL).varint(messageExpiryInterval)
  if (contentType !== undefined) writer.u8(CONTENT_TYPE).text(contentType)
  if (responseTopic !== undefined) writer.u8(RESPONSE_TOPIC).text(responseTopic)
  if (correlationData !== undefined) writer.u8(CORRELATION_DATA).bytes(correlationData)
  for (const [name, values] of Object.entries(userProperties ?? {})) {
    for (const value of typeof values === 'string' ? [values] : values) writer.u8(USER_PROPERTY).text(name).text(value)
  }
  return writer.finish()
}

function decodeProperties(bytes: Uint8Array): PublishProperties {
  const reader = new Reader(bytes)
  const properties: { -readonly [Name in keyof PublishProperties]: PublishProperties[Name] } = {}
  const user = new Map<string, string[]>()
  while (!reader.done) {
    const identifier = reader.u8()
    if (identifier === PAYLOAD_FORMAT_INDICATOR) properties.payloadFormatIndicator = reader.u8() === 1
    else if (identifier === MESSAGE_EXPIRY_INTERVAL) properties.messageExpiryInterval = reader.varint()
    else if (identifier === CONTENT_TYPE) properties.contentType = reader.text()
    else if (identifier === RESPONSE_TOPIC) properties.responseTopic = reader.text()
    else if (identifier === CORRELATION_DATA) properties.correlationData = reader.bytes()
    else if (identifier === USER_PROPERTY) {
      const name = reader.text()
      user.set(name, [...(user.get(name) ?? []), reader.text()])
    } else throw new RangeError('an unknown property')
  }
  if (user.size > 0) {
    const named = [...user].map(([name, values]) => [name, values.length === 1 ? values[0] : values] as const)
    properties.userProperties = Object.fromEntries(named) as Record<string, string | string[]>
  }
  return properties
}
