import { soon } from './soon.ts'

/** Runs a task at the end of the turn in which it is asked for: once, however often that was. */
export class EndOfTurn {
  readonly #task: () => void
  #isScheduled = false
  /** One function for all turns: nothing is allocated for each. Many are never asked for. */
  #run: (() => void) | undefined

  constructor(task: () => void) {
    this.#task = task
  }

  schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    soon((this.#run ??= () => this.flush()))
  }

  /** Runs the task now, if it is scheduled. */
  flush(): void {
    if (!this.#isScheduled) return
    this.#isScheduled = false
    this.#task()
  }
}
