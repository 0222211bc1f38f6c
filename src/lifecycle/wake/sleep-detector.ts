import type { Clock } from '../../api/clock.ts'

export interface SleepDetectorOptions {
  readonly clock: Clock
  /** Monotonic time in milliseconds. */
  readonly time: () => number
  /** In milliseconds since 1970. */
  readonly now: () => number
  /** Called after a sleep. */
  readonly onWake: () => void
}

/** How often the clocks are compared, in milliseconds: a sleep is noticed at most this long after its end. */
const INTERVAL = 1_000

/** Brokers tolerate a shorter sleep. In milliseconds. */
const SHORTEST_SLEEP = 5_000

/**
 * Notices that the computer or the process was suspended and goes on. One timer compares two clocks:
 *
 * - While a process is stopped (SIGSTOP, a frozen container) both go on, and the timer is late. It fires as soon as the
 *   process goes on, so that SIGCONT need not be handled. Windows and macOS behave alike when the computer sleeps.
 * - While a Linux computer sleeps, its monotonic clock stands still, and the timer with it. Only the wall clock goes on.
 */
export class SleepDetector {
  readonly #options: SleepDetectorOptions
  #timer: unknown
  #time = 0
  #now = 0

  constructor(options: SleepDetectorOptions) {
    this.#options = options
    this.#lookLater()
  }

  stop(): void {
    this.#options.clock.clearTimeout(this.#timer)
  }

  #lookLater(): void {
    const { clock, time, now } = this.#options
    this.#time = time()
    this.#now = now()
    this.#timer = clock.setTimeout(() => this.#look(), INTERVAL)
  }

  #look(): void {
    const { time, now, onWake } = this.#options
    const passed = Math.max(time() - this.#time, now() - this.#now)
    this.#lookLater()
    if (passed - INTERVAL >= SHORTEST_SLEEP) onWake()
  }
}
