/** Runs a task at the end of the turn in which it is asked for: once, however often that was. */
export class EndOfTurn {
  readonly #task: () => void
  #isScheduled = false

  constructor(task: () => void) {
    this.#task = task
  }

  schedule(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    queueMicrotask(this.#run)
  }

  /** Runs the task now, if it is scheduled. */
  flush(): void {
    this.#run()
  }

  // One function for all turns: nothing is allocated for each.
  readonly #run = (): void => {
    if (!this.#isScheduled) return
    this.#isScheduled = false
    this.#task()
  }
}
