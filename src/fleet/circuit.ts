import { clampDelay } from '../../machines/policy/backoff.ts'
import type { AdmissionOutcome } from '../api/admission-gate.ts'
import type { Clock } from '../api/clock.ts'
import { blamesServer } from './server-fault.ts'

export interface CircuitOptions {
  /** How many clients try servers that are down. With Infinity, the circuit never opens. */
  readonly canaries: number
  /** Maximum number of attempts at the same time. */
  readonly maxConnecting: number
  readonly clock: Clock
  /** In milliseconds. */
  readonly now: () => number
}

/** A client that asks to be admitted. */
export interface Visitor {
  readonly admit: () => void
  /** The same function each time the client asks. */
  readonly wake: (() => void) | undefined
}

/**
 * - `closed`: attempts may begin
 * - `open`: the servers are down, and the last canary has just failed
 * - `half-open`: a canary tries, or may try
 */
export type CircuitState = 'closed' | 'open' | 'half-open'

/** After so many failed attempts in a row, the servers count as down. One client alone may have a reason of its own. */
const FAILURES_TO_OPEN = 5

/** The limits of the pause after a failed canary, in milliseconds. A canary whose own backoff is longer is not waited for. */
const SHORTEST_PAUSE = 100
const LONGEST_PAUSE = 5_000

/** In milliseconds. A client that has not asked again so long after its backoff is over, for example to refresh its token, is gone. */
const GONE_AFTER = 60_000

/**
 * The circuit breaker of the clients that have the same servers: while these are down, only canaries try them. It queues the
 * clients that wait, first come, first served.
 */
export class Circuit {
  readonly servers: readonly string[]
  readonly #options: CircuitOptions
  readonly #onPauseOver: () => void
  readonly #waiting = new Set<Visitor>()
  /** Canaries that have failed, and come back to try their other servers. They go first. */
  readonly #returning = new Set<Visitor>()
  /** The attempts under way, each with the era in which it began. */
  readonly #inside = new Map<Visitor, number>()
  /** Clients whose attempt has failed and that have not asked again, each with the number of its failures. */
  readonly #resting = new Map<() => void, number>()
  #state: CircuitState = 'closed'
  /** Grows when the circuit closes. A failure of an attempt that began before says nothing about the servers now. */
  #era = 0
  /** Number of failures in a row while the circuit is closed. */
  #failures = 0
  /** How many attempts may be under way while the circuit is closed. It grows with each success, as in a slow start of TCP. */
  #limit: number
  /** By then, the clients whose attempts have failed ask again, unless they are gone. */
  #expectedUntil = Number.NEGATIVE_INFINITY
  #pause = 0
  #pausedAt = 0
  #timer: unknown

  /** @param onPauseOver - called when the circuit becomes half-open, and clients wait */
  constructor(servers: readonly string[], options: CircuitOptions, onPauseOver: () => void) {
    this.servers = servers
    this.#options = options
    this.#onPauseOver = onPauseOver
    this.#limit = options.maxConnecting
  }

  get state(): CircuitState {
    return this.#state
  }

  get waiting(): number {
    return this.#waiting.size + this.#returning.size
  }

  get inside(): number {
    return this.#inside.size
  }

  /** Whether nothing would be lost without it. */
  get isIdle(): boolean {
    if (this.waiting > 0 || this.inside > 0) return false
    return (this.#state === 'closed' && this.#failures === 0) || this.#options.now() > this.#expectedUntil + GONE_AFTER
  }

  /** Whether a client waits that may be admitted. */
  get isPassable(): boolean {
    if (this.#state === 'open' || this.waiting === 0) return false
    return this.inside < (this.#state === 'closed' ? this.#limit : this.#options.canaries)
  }

  ask(visitor: Visitor): void {
    const isReturning = this.#state !== 'closed' && this.#failuresOf(visitor) % this.servers.length > 0
    ;(isReturning ? this.#returning : this.#waiting).add(visitor)
    if (this.#state === 'open') this.#awaitPause()
  }

  /** Takes the next client out of the queue, which begins its attempt. */
  take(): Visitor | undefined {
    for (const queue of [this.#returning, this.#waiting]) {
      for (const visitor of queue) {
        queue.delete(visitor)
        this.#inside.set(visitor, this.#era)
        return visitor
      }
    }
    return undefined
  }

  /** Removes a client that waits. @returns whether it did */
  withdraw(visitor: Visitor): boolean {
    const waited = this.#waiting.delete(visitor) || this.#returning.delete(visitor)
    if (this.waiting === 0) this.#stopTimer()
    return waited
  }

  /** The attempt of a client has ended. */
  ended(visitor: Visitor, outcome: AdmissionOutcome): void {
    const era = this.#inside.get(visitor)
    this.#inside.delete(visitor)
    if (outcome.type === 'ready') this.#succeeded(visitor)
    else if (outcome.type === 'failed' && blamesServer(outcome.failure)) {
      this.#expectedUntil = Math.max(this.#expectedUntil, this.#options.now() + clampDelay(outcome.retryIn))
      if (era === this.#era) this.#failed(visitor, outcome.retryIn)
      else visitor.wake?.()
    }
  }

  #succeeded({ wake }: Visitor): void {
    const { canaries, maxConnecting } = this.#options
    const asleep = [...this.#resting.keys()].filter((each) => each !== wake)
    this.#failures = 0
    this.#resting.clear()
    if (this.#state === 'closed') {
      this.#limit = Math.min(this.#limit + 1, maxConnecting)
      return
    }
    this.#state = 'closed'
    this.#era++
    this.#limit = Math.min(canaries + 1, maxConnecting)
    this.#stopTimer()
    // They would sleep for minutes although the servers are back.
    for (const each of asleep) each()
  }

  #failed(visitor: Visitor, retryIn: number): void {
    const { canaries } = this.#options
    if (canaries === Number.POSITIVE_INFINITY) return
    if (visitor.wake) this.#resting.set(visitor.wake, this.#failuresOf(visitor) + 1)
    if (this.#state === 'closed') {
      const underWay = Math.min(this.#limit, this.inside + 1)
      this.#limit = Math.max(canaries, Math.floor(underWay / 2))
      this.#failures++
      if (this.#failures >= FAILURES_TO_OPEN) this.#open(retryIn)
    } else if (this.#state === 'half-open') this.#open(retryIn)
  }

  #open(retryIn: number): void {
    this.#state = 'open'
    this.#pause = Math.min(Math.max(SHORTEST_PAUSE, clampDelay(retryIn)), LONGEST_PAUSE)
    this.#pausedAt = this.#options.now()
    if (this.waiting > 0) this.#awaitPause()
  }

  /** Leaves no timer behind when no client waits. */
  #awaitPause(): void {
    // The wall clock may have been set back.
    const passed = Math.max(0, this.#options.now() - this.#pausedAt)
    if (passed >= this.#pause) {
      this.#state = 'half-open'
      return
    }
    this.#timer ??= this.#options.clock.setTimeout(() => {
      this.#timer = undefined
      this.#state = 'half-open'
      this.#onPauseOver()
    }, this.#pause - passed)
  }

  #stopTimer(): void {
    if (this.#timer === undefined) return
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }

  #failuresOf({ wake }: Visitor): number {
    return (wake && this.#resting.get(wake)) ?? 0
  }
}
