/**
 * Who is ready, as the clients' own events tell it: what is measured here is the clients, and not how often somebody
 * looks at them. Before they have been ready once nobody counts as missing.
 */
export class Readiness {
  readonly #names: readonly string[]
  readonly #now: () => number
  readonly #missing: Set<string>
  readonly #listeners = new Set<() => void>()
  #lostAt: number | undefined
  #faultEndedAt = 0
  /**
   * One for each time that somebody was missing, in milliseconds: from the end of the fault, or from the loss if that
   * came later, until all were ready again.
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

  /** Nothing of it stands in anybody's way any more. */
  faultEnded(): void {
    this.#faultEndedAt = this.#now()
  }

  /** Resolves as soon as they are ready, or with false if that takes longer, in milliseconds. */
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
