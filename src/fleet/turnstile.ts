import { clampDelay } from '../../machines/policy/backoff.ts'
import type { AdmissionGate } from '../api/admission-gate.ts'
import type { Clock } from '../api/clock.ts'

export interface TurnstileOptions {
  /** Maximum number of attempts at the same time. */
  readonly maxConnecting: number
  /** Maximum number of attempts that begin per second. */
  readonly connectRate: number
  readonly clock: Clock
  /** In milliseconds. */
  readonly now: () => number
}

/** How late a timer may be, in milliseconds. */
const LATE = 20

/** A gate that many clients share: first come, first served, with limits at the same time and per second. */
export class Turnstile implements AdmissionGate {
  readonly #options: TurnstileOptions
  /** In the order of their requests. */
  readonly #waiting = new Set<{ readonly admit: () => void }>()
  #inside = 0
  /** When the next attempt may begin, in milliseconds. */
  #nextAt = Number.NEGATIVE_INFINITY
  #timer: unknown
  #admitting = false

  constructor(options: TurnstileOptions) {
    this.#options = options
  }

  /** Number of attempts that wait to be admitted. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** Number of attempts that were admitted and have not ended. */
  get inside(): number {
    return this.#inside
  }

  ask(admit: () => void): () => void {
    let over = false
    const visitor = {
      admit: () => {
        this.#inside++
        admit()
      },
    }
    this.#waiting.add(visitor)
    this.#admit()
    return () => {
      if (over) return
      over = true
      if (!this.#waiting.delete(visitor)) this.#inside--
      if (this.#waiting.size > 0) this.#admit()
      else this.#stopWaiting()
    }
  }

  #admit(): void {
    // An admitted client may ask again, or end its attempt, while this loop is running.
    if (this.#admitting) return
    this.#admitting = true
    const { maxConnecting, connectRate, now } = this.#options
    const interval = 1_000 / connectRate
    for (const visitor of this.#waiting) {
      if (this.#inside >= maxConnecting) break
      // Waits at most one interval, even if the wall clock was set back.
      this.#nextAt = Math.min(this.#nextAt, now() + interval)
      const early = this.#nextAt - now()
      if (early > 0) {
        this.#wait(early)
        break
      }
      // Makes up for a late timer, so that the rate is kept.
      this.#nextAt = Math.max(this.#nextAt, now() - LATE) + interval
      this.#waiting.delete(visitor)
      visitor.admit()
    }
    this.#admitting = false
  }

  #wait(delay: number): void {
    this.#timer ??= this.#options.clock.setTimeout(() => {
      this.#timer = undefined
      this.#admit()
    }, clampDelay(delay))
  }

  /** Leaves no timer behind when no client waits. */
  #stopWaiting(): void {
    if (this.#timer === undefined) return
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
