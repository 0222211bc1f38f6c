/**
 * Records which clients are ready, from the clients' own events: polling them would limit the precision. A client counts
 * as missing only after all have been ready once.
 */
export class Readiness {
  readonly #names: readonly string[]
  readonly #now: () => number
  readonly #missing: Set<string>
  readonly #listeners = new Set<() => void>()
  #lostAt: number | undefined
  #faultEndedAt = 0
  /**
   * One time for each interruption, in milliseconds: from the end of the fault, or from the loss if that came later, until
   * all clients were ready again.
   */
  readonly recoveries: number[] = []

  constructor(names: readonly string[], now: () => number = () => performance.now()) {
    this.#names = names
    this.#now = now
    this.#missing = new Set(names)
  }

  changed(name: string, ready: boolean): void {
    if (ready !== this.#missing.has(name)) return
    if (ready) this.#back(name)
    else this.#lost(name)
    for (const listener of this.#listeners) listener()
  }

  /** Records that the fault is over for all clients. */
  faultEnded(): void {
    this.#faultEndedAt = this.#now()
  }

  /** Resolves to whether these clients are ready within a time, in milliseconds. */
  whenReady(within: number, names: readonly string[] = this.#names): Promise<boolean> {
    const ready = () => names.every((name) => !this.#missing.has(name))
    if (ready()) return Promise.resolve(true)
    return new Promise((resolve) => {
      const settle = (result: boolean) => {
        clearTimeout(timer)
        this.#listeners.delete(look)
        resolve(result)
      }
      const look = () => {
        if (ready()) settle(true)
      }
      const timer = setTimeout(settle, within, false)
      this.#listeners.add(look)
    })
  }

  #lost(name: string): void {
    if (this.#missing.size === 0) this.#lostAt = this.#now()
    this.#missing.add(name)
  }

  #back(name: string): void {
    this.#missing.delete(name)
    if (this.#missing.size > 0 || this.#lostAt === undefined) return
    this.recoveries.push(this.#now() - Math.max(this.#lostAt, this.#faultEndedAt))
    this.#lostAt = undefined
  }
}
