import { soon } from '../src/shared/soon.ts'

/**
 * Starts something with its first user, and stops it after its last one. A user that comes back within the same turn finds
 * it running: in StrictMode and with Fast Refresh, React ends every effect and runs it again at once.
 */
export class Usage {
  readonly #start: () => void
  readonly #stop: () => void
  #users = 0
  #isRunning = false

  constructor(start: () => void, stop: () => void) {
    this.#start = start
    this.#stop = stop
  }

  get isUsed(): boolean {
    return this.#users > 0
  }

  /** @returns ends this use; further calls do nothing */
  use(): () => void {
    if (!this.#isRunning) this.#start()
    this.#isRunning = true
    this.#users++
    let isOver = false
    return () => {
      if (isOver) return
      isOver = true
      this.#users--
      soon(() => this.#stopUnused())
    }
  }

  #stopUnused(): void {
    if (this.#users > 0 || !this.#isRunning) return
    this.#isRunning = false
    this.#stop()
  }
}
