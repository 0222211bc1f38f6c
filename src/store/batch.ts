import type { StoreError } from '../api/errors.ts'
import { nothing } from '../shared/nothing.ts'
import { deferred } from '../shared/wait.ts'

/** A change to be written. */
export interface Change {
  /** Applies the change to `Entries`. */
  apply(): void
  written?(): void
  /**
   * Called when the change could not be written. It is written later, unless another change replaces it or this method
   * takes it back.
   */
  failed?(error: StoreError): void
}

/** Changes that are written together. */
export class Batch {
  readonly #changes: Change[] = []
  readonly #ending = deferred<void>()
  #sync = false

  constructor() {
    this.#ending.promise.catch(nothing)
  }

  /** Resolves when the changes are written, after their `written`, and rejects after their `failed`. */
  get ended(): Promise<void> {
    return this.#ending.promise
  }

  /** Whether a change has to be synced to disk. An unsynced change survives the end of the process, too. */
  get sync(): boolean {
    return this.#sync
  }

  add(change: Change, sync: boolean): void {
    this.#changes.push(change)
    this.#sync ||= sync
  }

  /** Applies the changes. One that can't be applied fails alone. */
  apply(errorOf: (cause: unknown) => StoreError): void {
    for (const change of this.#changes) {
      try {
        change.apply()
      } catch (cause) {
        change.failed?.(errorOf(cause))
      }
    }
  }

  written(): void {
    for (const change of this.#changes) change.written?.()
    this.#ending.resolve()
  }

  failed(error: StoreError): void {
    for (const change of this.#changes) change.failed?.(error)
    this.#ending.reject(error)
  }
}
