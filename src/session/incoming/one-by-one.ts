/** How many messages in a row have to come one by one. */
const ROW = 20

/** How long a handler holds the acknowledgement of a message back, in milliseconds, before it counts as slow. */
const SLOW = 50

/** The next message comes at once if it comes within this share of the time for which the last one was held back. */
const AT_ONCE = 0.1

/**
 * Notices on one connection that the broker waits for each acknowledgement before it sends the next message, and that
 * handlers are what it waits for: 20 messages in a row came right after the acknowledgement of a slow one, and none
 * before it. Only a sender that waits for the answer to each of its messages looks the same. Therefore messages do not
 * count between which the client has published something.
 */
export class OneByOne {
  readonly #time: () => number
  /** Whether several were unacked at a time, or it was noticed. */
  #isOver = false
  #row = 0
  /** How long the messages of the row were held back. */
  #total = 0
  #came = 0
  #acknowledged = 0

  /** @param time - in milliseconds */
  constructor(time: () => number) {
    this.#time = time
  }

  /**
   * A message came whose acknowledgement is held back.
   *
   * @param isAlone - whether no other is unacked
   * @returns for how long such messages were held back on average, if it is noticed now
   */
  came(isAlone: boolean): number | undefined {
    this.#isOver ||= !isAlone
    if (this.#isOver) return undefined
    const now = this.#time()
    const held = this.#acknowledged - this.#came
    const isNext = held >= SLOW && now - this.#acknowledged <= AT_ONCE * held
    this.#row = isNext ? this.#row + 1 : 0
    this.#total = isNext ? this.#total + held : 0
    this.#came = now
    if (this.#row < ROW) return undefined
    this.#isOver = true
    return Math.round(this.#total / ROW)
  }

  /** The last acknowledgement that was held back is sent. */
  acknowledged(): void {
    if (!this.#isOver) this.#acknowledged = this.#time()
  }

  /** The client has published something. */
  published(): void {
    this.#row = 0
    this.#total = 0
  }

  /** The connection ended. */
  reset(): void {
    this.#isOver = false
    this.#came = 0
    this.#acknowledged = 0
    this.published()
  }
}
