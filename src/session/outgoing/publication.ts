import type { PublishResult } from '../../api/message-options.ts'
import type { Payload, PublishProperties, Qos } from '../../api/message.ts'
import { byteLength } from '../../shared/byte-length.ts'
import type { Suspect, Suspicion } from './suspects.ts'

/** One for all publishes of a client: what belongs to a single one is given to it. */
export interface RejectionObserver {
  /** @param isLost - whether it will not be delivered: what is left in the store will be */
  rejected(promise: Promise<PublishResult>, topic: string, error: unknown, isLost: boolean): void
}

/** What a publish is made of. */
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
  /** When it was accepted, by the clock of the session. `Session.resume` sets it for those of an earlier process. */
  readonly startedAt?: number
  /** Of all that wait with the same key only the newest is sent. */
  readonly latest: string | undefined
  /** Whether it outlives the process. */
  readonly durable: boolean
  readonly resolve: (result: PublishResult) => void
  readonly reject: (error: unknown) => void
  /** Told of its rejection, once, after the promise. */
  readonly observer?: RejectionObserver | undefined
  /** What the application holds, if there is an observer. */
  readonly promise?: Promise<PublishResult> | undefined
}

/** A publish on its way, from `publish()` until its promise settles. */
export class Publication implements Suspect {
  readonly topic: string
  /** Of a durable publication it becomes a copy. */
  payload: Payload
  readonly qos: Qos
  readonly retain: boolean
  readonly properties: PublishProperties | undefined
  /** For the store, which outlives the clock of the session: in milliseconds since 1970. */
  readonly acceptedAt: number
  /** By the clock of the session, when it was accepted. */
  startedAt: number
  /** How long it may wait until it is sent, in milliseconds; `Infinity` if for ever. */
  readonly ttl: number
  readonly latest: string | undefined
  readonly durable: boolean
  readonly resolve: (result: PublishResult) => void
  /** Topic and payload. */
  readonly bytes: number
  /** 0 until it is sent, and for QoS 0. */
  packetId = 0
  /**
   * - `waiting`: in the outbox
   * - `sent`: PUBLISH is sent, PUBACK or PUBREC awaited
   * - `released`: PUBREC came, PUBCOMP is awaited
   * - `settled`: its promise is settled
   */
  phase: 'waiting' | 'sent' | 'released' | 'settled' = 'waiting'
  /** Whether it went over the connection that is open now. */
  onWire = false
  /** Whether it may have gone over a connection, so that sending it once more is a duplicate. */
  transmitted = false
  /** Whether it is durable, and written down. */
  onDisk = false
  /** Its number in the store, by which it is found there again; 0 until it is written. */
  storeId = 0
  /** Whether it is durable and set aside: it is in the store, and is not sent until the application decides. */
  quarantined = false
  /** Whether nobody waits for its promise any more: it is of an earlier process, or `disconnect` rejected it. */
  orphaned = false
  /** Whether its signal aborted after it was sent: its promise is rejected, and its handshake goes on. */
  aborted = false
  /** Of its PUBACK or PUBREC. */
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

  /** When it expires, by the clock of the session. */
  get deadline(): number {
    return this.startedAt + this.ttl
  }

  /** When it expires, for the store: in milliseconds since 1970. */
  get expiresAt(): number {
    return this.acceptedAt + this.ttl
  }

  /** Only the first time counts. */
  reject(error: unknown): void {
    const observer = this.#observer
    this.#observer = undefined
    this.#reject(error)
    if (this.#promise) observer?.rejected(this.#promise, this.topic, error, !this.orphaned)
  }
}
