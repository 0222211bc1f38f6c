import type { Failure } from '../../../machines/failure.ts'
import { clampDelay } from '../../../machines/policy/backoff.ts'
import type { Clock } from '../../api/clock.ts'
import type { RateOptions } from '../../api/options.ts'
import { blameOf } from './blame.ts'
import { LearntRate } from './learnt-rate.ts'
import { Throughput } from './throughput.ts'
import { TokenBucket } from './token-bucket.ts'

export interface PaceConfig {
  readonly clock: Clock
  /** The monotonic time of the clock, in milliseconds. */
  readonly time: () => number
  readonly outbox: { readonly rate: RateOptions }
}

export interface PaceEvents {
  /** The broker objected to the rate. @param rate - how many publishes are sent in a second from now on */
  publishRateReduced(rate: number): void
}

/** Message rate too high, and quota exceeded (MQTT 5 §2.4). */
const TOO_MUCH: ReadonlySet<number> = new Set([0x96, 0x97])

/** With fewer messages in a second, the rate is not the cause of a close. */
const LEAST_LOAD = 20

/** A connection that lived longer, in milliseconds, was not closed because of what waited for it. */
const SOON = 5_000

const SECOND = 1_000

/** Connections delivered as much as each other if the numbers differ by no more than this part, or by these few. */
const ALIKE = 0.03
const FEW = 2

/** After so many such closes in a row, the rate is the cause. */
const PROOF = 3

/**
 * Limits how many publishes are sent in a second: to what the application allows, and to what the broker takes. Some
 * brokers close the connection of a client that sends more, and give a reason only on MQTT 5. Without a reason, the rate
 * is the cause if three connections in a row ended soon and after the same number of messages, and each attempt between
 * them succeeded: a broker that fails is away for a while, and fails at any time.
 */
export class Pace {
  readonly #config: PaceConfig
  readonly #events: PaceEvents
  readonly #onReady: () => void
  readonly #isUnlimited: boolean
  /** `undefined` until there is a limit. */
  #buckets: { readonly messages: TokenBucket; readonly bytes: TokenBucket } | undefined
  /** Of this connection; `undefined` until the first message has passed. */
  #throughput: Throughput | undefined
  /** By server; `undefined` until a broker has objected. */
  #learnt: Map<string, LearntRate> | undefined
  #limit: LearntRate | undefined
  #server = ''
  #attachedAt = 0
  /** How many messages the broker took on this connection. */
  #passed = 0
  /** How many it took on the last connections, if they ended soon, without a reason, and after as many. */
  #alike: { readonly passed: number; readonly closes: number } | undefined
  #reducedAt = Number.NEGATIVE_INFINITY
  #timer: unknown

  /** @param onReady - called when something may be written again */
  constructor(config: PaceConfig, events: PaceEvents, onReady: () => void) {
    this.#config = config
    this.#events = events
    this.#onReady = onReady
    const { messages, bytes } = config.outbox.rate
    this.#isUnlimited = messages === Number.POSITIVE_INFINITY && bytes === Number.POSITIVE_INFINITY
  }

  /** The messages a second that may be sent now. */
  get rate(): number {
    const { time, outbox } = this.#config
    return Math.min(outbox.rate.messages, this.#limit?.at(time()) ?? Number.POSITIVE_INFINITY)
  }

  attached(server: string): void {
    if (server !== this.#server) this.#alike = undefined
    this.#server = server
    this.#limit = this.#learnt?.get(server)
    this.#attachedAt = this.#config.time()
    this.#passed = 0
    this.#throughput = undefined
  }

  /** The connection ended. */
  detached(failure: Failure | undefined): void {
    this.stop()
    const isTold = failure?.kind === 'disconnected' && TOO_MUCH.has(failure.reasonCode)
    if (isTold) this.#reduce(1)
    else if (blameOf(failure) === 'silence') this.#closed()
    else this.#alike = undefined
  }

  /** An attempt to connect failed. */
  attemptFailed(): void {
    this.#alike = undefined
  }

  /** The broker refused a publish. Those behind it were sent at the same rate, and may be refused, too. */
  refused(reasonCode: number): void {
    if (TOO_MUCH.has(reasonCode) && this.#config.time() - this.#reducedAt >= SECOND) this.#reduce(LEAST_LOAD)
  }

  /** The broker has acknowledged messages, or the socket has taken them with QoS 0. */
  passed(count: number): void {
    this.#passed += count
    ;(this.#throughput ??= new Throughput()).add(count, this.#config.time())
  }

  /** Whether a publication may be written now. If not, `onReady` is called later. */
  mayWrite(): boolean {
    if (this.#isUnlimited && !this.#limit) return true
    if (this.#timer !== undefined) return false
    const { clock, time, outbox } = this.#config
    const now = time()
    this.#buckets ??= { messages: new TokenBucket(), bytes: new TokenBucket() }
    const wait = Math.max(this.#buckets.messages.fill(this.rate, now), this.#buckets.bytes.fill(outbox.rate.bytes, now))
    if (wait === 0) return true
    this.#timer = clock.setTimeout(
      () => {
        this.#timer = undefined
        this.#onReady()
      },
      clampDelay(Math.ceil(wait)),
    )
    return false
  }

  /** A publication was written. @param bytes - of its topic and payload */
  wrote(bytes: number): void {
    if (!this.#buckets || (this.#isUnlimited && !this.#limit)) return
    this.#buckets.messages.take(1)
    this.#buckets.bytes.take(bytes)
  }

  /** Clears the timer. */
  stop(): void {
    if (this.#timer !== undefined) this.#config.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  /** The broker closed the connection and gave no reason. */
  #closed(): void {
    const before = this.#alike
    this.#alike = undefined
    const passed = this.#passed
    if (passed < LEAST_LOAD || this.#config.time() - this.#attachedAt > SOON) return
    const isAlike = before !== undefined && Math.abs(before.passed - passed) <= Math.max(FEW, passed * ALIKE)
    const closes = isAlike ? before.closes + 1 : 1
    if (closes === PROOF) return this.#reduce(LEAST_LOAD)
    this.#alike = { passed, closes }
  }

  #recent(time: number): number {
    return this.#throughput?.recent(time) ?? 0
  }

  /** Halves the rate. @param least - the messages a second of which the broker may have had too many */
  #reduce(least: number): void {
    const now = this.#config.time()
    const recent = Math.min(this.#recent(now), this.rate)
    if (recent < least && !this.#limit) return
    this.#limit = new LearntRate(recent, now)
    ;(this.#learnt ??= new Map()).set(this.#server, this.#limit)
    this.#reducedAt = now
    this.#events.publishRateReduced(this.rate)
  }
}
