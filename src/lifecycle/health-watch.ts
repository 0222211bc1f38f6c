import { connectionHealth, type HealthSnapshot } from '../../machines/connection/health.ts'
import type { Health } from '../api/health.ts'

/** Remembers since when a client is live or not, and ready or not. */
export class HealthWatch {
  readonly #now: () => number
  #live = true
  #ready = false
  #since: number

  /** @param now - in milliseconds since 1970 */
  constructor(now: () => number) {
    this.#now = now
    this.#since = now()
  }

  /** The machine may have changed. */
  follow(snapshot: HealthSnapshot): void {
    const { live, ready } = connectionHealth(snapshot)
    if (live === this.#live && ready === this.#ready) return
    this.#live = live
    this.#ready = ready
    this.#since = this.#now()
  }

  of(snapshot: HealthSnapshot): Health {
    return { ...connectionHealth(snapshot), since: this.#since }
  }
}
