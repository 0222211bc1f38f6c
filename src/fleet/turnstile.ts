import { clampDelay } from '../../machines/policy/backoff.ts'
import type { AdmissionGate } from '../api/admission-gate.ts'
import type { Clock } from '../api/clock.ts'

export interface TurnstileOptions {
  /** How many attempts may be under way at a time. */
  readonly maxConnecting: number
  /** How many attempts may begin in a second. */
  readonly connectRate: number
  readonly clock: Clock
  /** In milliseconds. */
  readonly now: () => number
}

/** In milliseconds: by how much timers may be late. */
const LATE = 20

/** One gate for many: first come, first served, so many at a time and so many a second. */
export class Turnstile implements AdmissionGate {
  readonly #options: TurnstileOptions
  /** In the order in which they came. */
  readonly #waiting = new Set<{ readonly admit: () => void }>()
  #inside = 0
  /** When the next one may begin, in milliseconds. */
  #nextAt = Number.NEGATIVE_INFINITY
  #timer: unknown
  #admitting = false

  constructor(options: TurnstileOptions) {
    this.#options = options
  }

  /** How many wait to be let in. */
  get waiting(): number {
    return this.#waiting.size
  }

  /** How many attempts are under way. */
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
    // Who is let in may ask again, or leave, before this is through.
    if (this.#admitting) return
    this.#admitting = true
    const { maxConnecting, connectRate, now } = this.#options
    const interval = 1_000 / connectRate
    for (const visitor of this.#waiting) {
      if (this.#inside >= maxConnecting) break
      // Nobody waits longer than for one turn: somebody may set the wall clock back.
      this.#nextAt = Math.min(this.#nextAt, now() + interval)
      const early = this.#nextAt - now()
      if (early > 0) {
        this.#wait(early)
        break
      }
      // A timer that was late is made up for, so that the rate is kept.
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

  /** No timer is left when nobody waits for it. */
  #stopWaiting(): void {
    if (this.#timer === undefined) return
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}
