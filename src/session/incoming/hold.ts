/** Holds the publishes of a session back, so that something else can be alone on the wire. */
export class Hold {
  readonly #onWire: { readonly size: number }
  readonly #onEnd: () => void
  #active = false
  #resolve: (() => void) | undefined

  /**
   * @param onWire - the publishes that are under way
   * @param onEnd - publishes may go again
   */
  constructor(onWire: { readonly size: number }, onEnd: () => void) {
    this.#onWire = onWire
    this.#onEnd = onEnd
  }

  get active(): boolean {
    return this.#active
  }

  /** @returns resolves when no publish is under way; never, if the connection ends first */
  begin(): Promise<void> {
    this.#active = true
    return new Promise((resolve) => {
      this.#resolve = resolve
      this.acknowledged()
    })
  }

  /** A publish was acknowledged. */
  acknowledged(): void {
    if (!this.#resolve || this.#onWire.size > 0) return
    this.#resolve()
    this.#resolve = undefined
  }

  end(): void {
    if (!this.#active) return
    this.cancel()
    this.#onEnd()
  }

  /** The connection ended. */
  cancel(): void {
    this.#active = false
    this.#resolve = undefined
  }
}
