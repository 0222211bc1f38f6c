import type { PublishResult } from '../../api/message-options.ts'
import type { Payload, PublishProperties, Qos } from '../../api/message.ts'
import { byteLength } from '../../shared/byte-length.ts'
import type { Sequenced } from '../sequence.ts'
import type { Suspect, Suspicion } from './suspects.ts'

/** Observes the rejections of a client's publications. All of them share one observer, so that none costs a closure. */
export interface RejectionObserver {
  /** @param isLost - whether the publication will not be delivered. One that stays in the store will be */
  rejected(promise: Promise<PublishResult>, topic: string, error: unknown, isLost: boolean): void
}

/** The content of a publication. */
export interface PublicationInit {
  readonly topic: string
  readonly payload: Payload
  readonly qos: Qos
  readonly retain: boolean
  readonly properties: PublishProperties | undefined
  /** When it was accepted, in milliseconds since 1970. */
  readonly acceptedAt: number
  /** When it expires, in milliseconds since 1970; `Infinity` if never. */
  readonly expiresAt: number
  /** When it was accepted, in the time of the session's clock. `Session` sets it. */
  readonly startedAt?: number
  /** Of all waiting publications with the same key, only the newest is sent. */
  readonly latest: string | undefined
  /** Whether it outlives the process. */
  readonly durable: boolean
  readonly resolve: (result: PublishResult) => void
  readonly reject: (error: unknown) => void
  /** Called once, after the promise is rejected. */
  readonly observer?: RejectionObserver | undefined
  /** The promise that the application holds, if there is an observer. */
  readonly promise?: Promise<PublishResult> | undefined
}

/** One `publish()` call, until its promise settles. */
export class Publication implements Suspect, Sequenced {
  readonly topic: string
  /** Replaced by a copy if the publication is durable. */
  payload: Payload
  readonly qos: Qos
  readonly retain: boolean
  readonly properties: PublishProperties | undefined
  /** When it was accepted, for the store: in milliseconds since 1970. */
  readonly acceptedAt: number
  /** When it was accepted, in the time of the session's clock. */
  startedAt: number
  /** How long it may wait until it is sent, in milliseconds; `Infinity` if there is no limit. */
  readonly ttl: number
  readonly latest: string | undefined
  readonly durable: boolean
  readonly resolve: (result: PublishResult) => void
  /** The bytes of the topic and the payload. */
  readonly bytes: number
  /** 0 until it is sent, and for QoS 0. */
  packetId = 0
  /** Its place among the publications in flight. */
  sequence = 0
  /**
   * - `waiting`: in the outbox
   * - `sent`: PUBLISH is sent, PUBACK or PUBREC awaited
   * - `released`: PUBREC came, PUBCOMP is awaited
   * - `settled`: its promise is settled
   */
  phase: 'waiting' | 'sent' | 'released' | 'settled' = 'waiting'
  /** Whether it was sent on the open connection. */
  onWire = false
  /** Whether it may have been sent before, so that sending it again is a duplicate. */
  transmitted = false
  /** Whether it is durable and on disk. */
  onDisk = false
  /** Its number in the store; 0 until it is written. */
  storeId = 0
  /** What the journal notes of it; `undefined` before it is accepted and after it is settled. */
  journalEntry: object | undefined = undefined
  /** Whether it is in quarantine: it stays in the store and is not sent until the application decides. */
  quarantined = false
  /**
   * Whether its promise is no longer pending although it will be delivered: it comes from an earlier process, or
   * `disconnect` rejected it.
   */
  orphaned = false
  /** Whether its signal aborted after it was sent. Its promise is rejected, and the handshake continues. */
  aborted = false
  /** The reason code of its PUBACK or PUBREC. */
  reasonCode = 0
  readonly #reject: (error: unknown) => void
  #observer: RejectionObserver | undefined
  readonly #promise: Promise<PublishResult> | undefined
  suspicion: Suspicion | undefined = undefined

  constructor(init: PublicationInit) {
    this.topic = init.topic
    this.payload = init.payload
    this.qos = init.qos
    this.retain = init.retain
    this.properties = init.properties
    this.acceptedAt = init.acceptedAt
    this.startedAt = init.startedAt ?? 0
    this.ttl = init.expiresAt - init.acceptedAt
    this.latest = init.latest
    this.durable = init.durable
    this.resolve = init.resolve
    this.#reject = init.reject
    this.#observer = init.observer
    this.#promise = init.promise
    this.bytes = byteLength(init.topic) + byteLength(init.payload)
  }

  /** When it expires, in the time of the session's clock. */
  get deadline(): number {
    return this.startedAt + this.ttl
  }

  /** When it expires, for the store: in milliseconds since 1970. */
  get expiresAt(): number {
    return this.acceptedAt + this.ttl
  }

  /** Rejects the promise. Only the first call has an effect. */
  reject(error: unknown): void {
    const observer = this.#observer
    this.#observer = undefined
    this.#reject(error)
    if (this.#promise) observer?.rejected(this.#promise, this.topic, error, !this.orphaned)
  }
}
