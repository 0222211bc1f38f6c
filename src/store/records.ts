import type { PublishProperties, Qos } from '../api/message.ts'
import type { PublicationInit } from '../session/outgoing/publication.ts'
import { textEncoder } from '../shared/text-coders.ts'
import { Reader, textOf, Writer } from './bytes.ts'
import { crc32c } from './crc32c.ts'
import type { IndexedPublication } from './publication-index.ts'

/**
 * The records of a store, format 2. Numbers are big-endian, `text` and `bytes` have their length before them.
 *
 *     key                      value
 *     00                       header: the magic, format u8, client id text
 *     01 sequence u64          a publication: flags u8, accepted at f64, [expires at f64], topic text,
 *                              [latest key text], [properties bytes], payload to the end
 *     02 sequence u64          where it is in its handshake: phase u8 (1 sent, 2 released), packet id u16
 *     03 sequence u64          it is set aside (quarantined): nothing
 *
 *     04                       the ledger: batches u64, last sequence u64, publications varint, other records of a
 *                              publication varint, sum u32
 *
 * Each value ends with a checksum: CRC-32C u32 over its key and itself. The sequence is the order in which they were
 * accepted. The handshake has a record of its own, so that the payload is written once.
 *
 * The ledger is written with each batch. It has the number of the batch, and what there is after it: how many records,
 * and the sum of their checksums modulo 2³². So missing or reappearing records are detected.
 *
 * Format 1 had no ledger, no checksums, and nothing was set aside.
 */
export const FORMAT = 2

/** The checksum at the end of each value. */
const CHECKSUM_BYTES = 4

const MAGIC = textEncoder().encode('xstate-mqtt outbox\0')

const HEADER = 0
const PUBLICATION = 1
const HANDSHAKE = 2
const QUARANTINE = 3
const LEDGER = 4

/** The kinds of records, by the first byte of a key with a sequence. */
const KINDS = new Map<number, 'publication' | 'handshake' | 'quarantine'>([
  [PUBLICATION, 'publication'],
  [HANDSHAKE, 'handshake'],
  [QUARANTINE, 'quarantine'],
])

/** The length of a key with a sequence. */
const KEY_BYTES = 9

/** The bits of the flags. */
const QOS = 0x03
const RETAIN = 0x04
const EXPIRES = 0x08
const LATEST_TOPIC = 0x10
const LATEST_KEY = 0x20
const PROPERTIES = 0x40
const UNKNOWN = 0x80

const writer = new Writer()

export interface Header {
  readonly format: number
  readonly clientId: string
}

export interface Handshake {
  readonly phase: 'sent' | 'released'
  readonly packetId: number
}

/** The content of a store after a batch. */
export interface LedgerState {
  /** How many batches were written. */
  readonly batches: number
  readonly lastSequence: number
  readonly publications: number
  /** The number of handshake and quarantine records. */
  readonly others: number
  /** The sum of their checksums, modulo 2³². */
  readonly sum: number
}

/** A record as it is written. */
export interface StoreRecord {
  readonly key: Uint8Array
  readonly value: Uint8Array
  readonly checksum: number
}

export type StoreKey =
  | { readonly kind: 'header' | 'ledger' }
  | { readonly kind: 'publication' | 'handshake' | 'quarantine'; readonly sequence: number }

/** The part of a publication that is stored. */
export type StoredPublication = Omit<PublicationInit, 'durable' | 'resolve' | 'reject'>

export const headerKey: Uint8Array = Uint8Array.of(HEADER)
export const ledgerKey: Uint8Array = Uint8Array.of(LEDGER)

export function publicationKey(sequence: number): Uint8Array {
  return keyOf(PUBLICATION, sequence)
}

export function handshakeKey(sequence: number): Uint8Array {
  return keyOf(HANDSHAKE, sequence)
}

function quarantineKey(sequence: number): Uint8Array {
  return keyOf(QUARANTINE, sequence)
}

function keyOf(kind: number, sequence: number): Uint8Array {
  return writer.start().u8(kind).u64(sequence).finish()
}

/** @param encoded - the result of `encodePublication`, which is written. Its checksum is filled in */
export function publicationRecord(sequence: number, encoded: Uint8Array): StoreRecord {
  return seal(publicationKey(sequence), encoded)
}

export function handshakeRecord(sequence: number, handshake: Handshake): StoreRecord {
  return seal(handshakeKey(sequence), encodeHandshake(handshake))
}

/** The value is empty: the key says everything. */
export function quarantineRecord(sequence: number): StoreRecord {
  return seal(quarantineKey(sequence), writer.start().u32(0).finish())
}

export function headerRecord(clientId: string): StoreRecord {
  return seal(headerKey, writer.start().raw(MAGIC).u8(FORMAT).text(clientId).u32(0).finish())
}

export function ledgerRecord({ batches, lastSequence, publications, others, sum }: LedgerState): StoreRecord {
  writer.start().u64(batches).u64(lastSequence).varint(publications).varint(others)
  return seal(ledgerKey, writer.u32(sum).u32(0).finish())
}

/** Writes the checksum into the bytes reserved for it. */
function seal(key: Uint8Array, value: Uint8Array): StoreRecord {
  const end = value.byteLength - CHECKSUM_BYTES
  const checksum = crc32c(value, crc32c(key), end)
  for (let at = 0; at < CHECKSUM_BYTES; at++) value[end + at] = checksum >>> (24 - 8 * at)
  return { key, value, checksum }
}

/**
 * @returns the value without its checksum, and the checksum
 * @throws {RangeError} if the checksum does not match
 */
export function unseal(key: Uint8Array, value: Uint8Array): { body: Uint8Array; checksum: number } {
  return { body: value.subarray(0, sealedEnd(key, value)), checksum: checksumOf(value) }
}

/** @returns where the checksum begins. @throws {RangeError} if it does not match */
function sealedEnd(key: Uint8Array, value: Uint8Array): number {
  const end = value.byteLength - CHECKSUM_BYTES
  if (end < 0) throw new RangeError('a record is cut short')
  if (checksumOf(value) !== crc32c(value, crc32c(key), end)) throw new RangeError('a checksum is wrong')
  return end
}

/** The checksum that a value has, whether it is right or not. */
export function checksumOf(value: Uint8Array): number {
  let checksum = 0
  for (let at = Math.max(0, value.byteLength - CHECKSUM_BYTES); at < value.byteLength; at++) {
    checksum = checksum * 0x100 + (value[at] as number)
  }
  return checksum
}

/** @returns the sequence of a publication; `undefined` if it is another key */
export function publicationOf(key: Uint8Array): number | undefined {
  return key.byteLength === KEY_BYTES && key[0] === PUBLICATION ? sequenceOf(key) : undefined
}

function sequenceOf(key: Uint8Array): number {
  let sequence = 0
  for (let at = 1; at < KEY_BYTES; at++) sequence = sequence * 0x100 + (key[at] as number)
  return sequence
}

/** @returns `undefined` if it is not a key of this format */
export function decodeKey(key: Uint8Array): StoreKey | undefined {
  if (key.byteLength === 1 && key[0] === HEADER) return { kind: 'header' }
  if (key.byteLength === 1 && key[0] === LEDGER) return { kind: 'ledger' }
  const kind = key.byteLength === KEY_BYTES ? KINDS.get(key[0] as number) : undefined
  return kind && { kind, sequence: sequenceOf(key) }
}

/**
 * @returns `undefined` if it is not a header of a store; of a newer format, only the format number
 * @throws {RangeError} {TypeError} if it is damaged
 */
export function decodeHeader(value: Uint8Array): Header | undefined {
  if (MAGIC.some((byte, index) => value[index] !== byte)) return undefined
  const format = new Reader(value.subarray(MAGIC.byteLength)).u8()
  if (format > FORMAT) return { format, clientId: '' }
  const body = format === 1 ? value : unseal(headerKey, value).body
  return { format, clientId: new Reader(body.subarray(MAGIC.byteLength + 1)).text() }
}

/** @throws {RangeError} if it is damaged */
export function decodeLedger(body: Uint8Array): LedgerState {
  const reader = new Reader(body)
  return {
    batches: reader.u64(),
    lastSequence: reader.u64(),
    publications: reader.varint(),
    others: reader.varint(),
    sum: reader.u32(),
  }
}

/** Encodes a value with room for its checksum. */
function encodeHandshake({ phase, packetId }: Handshake): Uint8Array {
  return writer
    .start()
    .u8(phase === 'sent' ? 1 : 2)
    .u16(packetId)
    .u32(0)
    .finish()
}

/** @throws {RangeError} if it is damaged */
export function decodeHandshake(body: Uint8Array): Handshake {
  const reader = new Reader(body)
  const phase = reader.u8()
  const packetId = reader.u16()
  if ((phase !== 1 && phase !== 2) || packetId === 0 || !reader.done) throw new RangeError('no such handshake')
  return { phase: phase === 1 ? 'sent' : 'released', packetId }
}

/** @throws {RangeError} if it is damaged */
export function decodeQuarantine(body: Uint8Array): void {
  if (body.byteLength > 0) throw new RangeError('no such record')
}

/**
 * Encodes a publication, with room for the checksum that `publicationRecord` fills in.
 *
 * @throws {TypeError} if a field has a value that can't be written
 */
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
  writer.start().u8(flags).f64(acceptedAt)
  if (expires) writer.f64(expiresAt)
  writer.text(topic)
  if (flags & LATEST_KEY) writer.text(latest ?? '')
  if (encodedProperties) writer.bytes(encodedProperties)
  return (typeof payload === 'string' ? writer.rawText(payload) : writer.raw(payload)).u32(0).finish()
}

/** The payload of an encoded publication, as a view. */
export function encodedPayload(encoded: Uint8Array, payloadBytes: number): Uint8Array {
  const end = encoded.byteLength - CHECKSUM_BYTES
  return encoded.subarray(end - payloadBytes, end)
}

function latestFlag({ latest, topic }: StoredPublication): number {
  if (latest === undefined) return 0
  return latest === topic ? LATEST_TOPIC : LATEST_KEY
}

/** @throws {RangeError} {TypeError} if it is damaged */
export function decodePublication(body: Uint8Array): StoredPublication {
  const reader = new Reader(body)
  const { flags, acceptedAt, expiresAt } = readFlags(reader)
  const topic = reader.text()
  const latest = flags & LATEST_KEY ? reader.text() : undefined
  return {
    topic,
    qos: (flags & QOS) as Qos,
    retain: (flags & RETAIN) !== 0,
    acceptedAt,
    expiresAt,
    latest: flags & LATEST_TOPIC ? topic : latest,
    properties: flags & PROPERTIES ? decodeProperties(reader.bytes()) : undefined,
    payload: reader.rest(),
  }
}

/**
 * What has to be known of a publication while it is on disk.
 *
 * @param isSealed - whether it has a checksum: format 1 has none
 * @throws {RangeError} {TypeError} if it is damaged
 */
export function summarizePublication(key: Uint8Array, value: Uint8Array, isSealed: boolean): IndexedPublication {
  const end = isSealed ? sealedEnd(key, value) : value.byteLength
  const reader = new Reader(value, end)
  const { flags, expiresAt } = readFlags(reader)
  const topicBytes = reader.varint()
  let latest: string | undefined
  if (flags & LATEST_TOPIC) latest = textOf(reader.view(topicBytes))
  else reader.skip(topicBytes)
  const latestKey = flags & LATEST_KEY ? reader.text() : undefined
  if (flags & PROPERTIES) reader.skip(reader.varint())
  const checksum = isSealed ? checksumOf(value) : 0
  return { checksum, bytes: topicBytes + reader.left, expiresAt, latest: latest ?? latestKey }
}

/** Reads what a publication begins with. */
function readFlags(reader: Reader) {
  const flags = reader.u8()
  const qos = flags & QOS
  if (qos === 0 || qos === 3 || flags & UNKNOWN) throw new RangeError('unknown flags')
  const acceptedAt = reader.f64()
  const expiresAt = flags & EXPIRES ? reader.f64() : Number.POSITIVE_INFINITY
  return { flags, acceptedAt, expiresAt }
}

/** The property identifiers of MQTT 5 §2.2.2.2. */
const PAYLOAD_FORMAT_INDICATOR = 0x01
const MESSAGE_EXPIRY_INTERVAL = 0x02
const CONTENT_TYPE = 0x03
const RESPONSE_TOPIC = 0x08
const CORRELATION_DATA = 0x09
const USER_PROPERTY = 0x26

function encodeProperties(properties: PublishProperties): Uint8Array {
  const { payloadFormatIndicator, messageExpiryInterval, contentType, responseTopic } = properties
  const { correlationData, userProperties } = properties
  writer.start()
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
