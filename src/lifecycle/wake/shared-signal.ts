import type { Clock } from '../../api/clock.ts'

export interface Wakeable {
  /** Ends a delay, or probes the open connection. Must not throw. */
  wake(): void
}

/** Listens for a signal. @returns stops listening */
export type Listen = (onSignal: () => void) => () => void

/** How many clients are woken at once. The next ones follow after `PAUSE` milliseconds: 10,000 within a second. */
const BATCH = 100
const PAUSE = 10

/** How long after the clients were woken they are woken again, at the earliest. In milliseconds. */
const LEAST_INTERVAL = 5_000

/**
 * One signal, shared by all clients of the process that it wakes. It is listened for while there is such a client.
 *
 * A network that comes and goes sends many signals. After one of them, further ones count as one, which follows when
 * `LEAST_INTERVAL` is over: a delay is cut short at most that often, and the last signal is not missed.
 */
export class SharedSignal {
  readonly #listen: Listen
  readonly #clock: Clock
  readonly #clients = new Set<Wakeable>()
  #stop: (() => void) | undefined
  /** Runs until the next clients are woken, or may be. */
  #timer: unknown
  /** Whether a signal came while the timer was running. */
  #isRepeated = false

  /** @param clock - its timers must not keep the process alive */
  constructor(listen: Listen, clock: Clock) {
    this.#listen = listen
    this.#clock = clock
  }

  /** From now on the signal wakes a client. */
  add(client: Wakeable): void {
    this.#clients.add(client)
    this.#stop ??= this.#listen(() => this.#signalled())
  }

  delete(client: Wakeable): void {
    if (!this.#clients.delete(client) || this.#clients.size > 0) return
    this.#stop?.()
    this.#stop = undefined
    this.#clock.clearTimeout(this.#timer)
    this.#timer = undefined
    this.#isRepeated = false
  }

  #signalled(): void {
    if (this.#timer === undefined) this.#wake([...this.#clients])
    else this.#isRepeated = true
  }

  #wake(clients: readonly Wakeable[]): void {
    const rest = clients.slice(BATCH)
    this.#timer = this.#clock.setTimeout(() => this.#goOn(rest), rest.length > 0 ? PAUSE : LEAST_INTERVAL)
    for (const client of clients.slice(0, BATCH)) if (this.#clients.has(client)) client.wake()
  }

  #goOn(rest: readonly Wakeable[]): void {
    this.#timer = undefined
    if (rest.length > 0) return this.#wake(rest)
    if (!this.#isRepeated) return
    this.#isRepeated = false
    this.#wake([...this.#clients])
  }
}
