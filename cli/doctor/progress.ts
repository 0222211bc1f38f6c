import type { Terminal } from '../terminal.ts'
import type { LabClock } from './lab.ts'
import { span } from './words.ts'

/** Where there is no live line, a wait is shown once it lasts longer than this. In milliseconds. */
const LONG = 2_000

interface Wait {
  readonly what: string
  readonly atMost: number
  readonly since: number
}

/** Shows what is waited for, and for how long at most: as a live line on a terminal, else as lines for long waits. */
export class Progress {
  readonly #terminal: Terminal
  readonly #note: (line: string) => void
  readonly #clock: LabClock
  readonly #waits = new Set<Wait>()
  readonly #noted = new Set<string>()
  #timer: unknown

  /** @param note - prints a line where there is no live line */
  constructor(terminal: Terminal, note: (line: string) => void, clock: LabClock) {
    this.#terminal = terminal
    this.#note = note
    this.#clock = clock
  }

  /** @returns hides it */
  readonly waiting = (what: string, atMost: number): (() => void) => {
    const wait = { what, atMost, since: this.#clock.now() }
    this.#waits.add(wait)
    this.#show()
    const isNew = !this.#terminal.isLive && !this.#noted.has(what)
    const timer = isNew && this.#clock.setTimeout(() => this.#tell(wait), LONG)
    return () => {
      this.#waits.delete(wait)
      if (timer !== false) this.#clock.clearTimeout(timer)
      this.#show()
    }
  }

  #tell({ what, atMost }: Wait): void {
    if (this.#noted.has(what)) return
    this.#noted.add(what)
    this.#note(`waits for ${what}, at most ${span(atMost)}`)
  }

  #show(): void {
    if (!this.#terminal.isLive) return
    this.#clock.clearTimeout(this.#timer)
    const wait = this.#shown()
    if (!wait) return this.#terminal.live('')
    const { what, atMost, since } = wait
    const past = Math.floor((this.#clock.now() - since) / 1_000)
    this.#terminal.live(`… ${what}: ${past} s of at most ${span(atMost)}`)
    this.#timer = this.#clock.setTimeout(() => this.#show(), 1_000)
  }

  /** The one that ends first: the others go on beside it. */
  #shown(): Wait | undefined {
    return [...this.#waits].toSorted((one, other) => one.since + one.atMost - other.since - other.atMost)[0]
  }
}
