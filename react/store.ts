import { useSelector } from '@xstate/react'
import type { Observer, Subscription } from 'xstate'

import { inNextTurn } from '../src/shared/next-turn.ts'
import { nothing } from '../src/shared/nothing.ts'
import { soon } from '../src/shared/soon.ts'
import { Usage } from './usage.ts'

export interface StoreParts<Snapshot> {
  /**
   * Returns the value now. It must return the same object as long as nothing has changed.
   *
   * @param previous - what it returned last
   */
  readonly read: (previous: Snapshot | undefined) => Snapshot
  /** Called with the first listener. */
  readonly start?: () => void
  /** Called after the last listener. */
  readonly stop?: () => void
}

/** What `useSelector` needs of an actor. */
export interface ReadableStore<Snapshot> {
  getSnapshot(): Snapshot
  subscribe(observer: Observer<Snapshot> | ((snapshot: Snapshot) => void)): Subscription
}

/** A value that components read with `useSelector`, as they read an actor. */
export class Store<Snapshot extends object> implements ReadableStore<Snapshot> {
  readonly #read: StoreParts<Snapshot>['read']
  readonly #usage: Usage
  readonly #listeners = new Set<() => void>()
  #snapshot: Snapshot | undefined
  #isNotifying = false
  /** Since `changedInBurst` has notified, until the event loop turns. */
  #isInBurst = false
  #changedSince = false

  constructor({ read, start = nothing, stop = nothing }: StoreParts<Snapshot>) {
    this.#read = read
    this.#usage = new Usage(start, stop)
  }

  /** Whether a component shows the value. */
  get isUsed(): boolean {
    return this.#usage.isUsed
  }

  getSnapshot(): Snapshot {
    return (this.#snapshot = this.#read(this.#snapshot))
  }

  subscribe(observer: Observer<Snapshot> | ((snapshot: Snapshot) => void)): Subscription {
    const next = typeof observer === 'function' ? observer : observer.next?.bind(observer)
    const listener = () => next?.(this.getSnapshot())
    this.#listeners.add(listener)
    const end = this.#usage.use()
    const unsubscribe = () => {
      this.#listeners.delete(listener)
      end()
    }
    return { unsubscribe }
  }

  /** The value may have changed. Many changes by the code that is running cause one render. */
  changed(): void {
    if (this.#isNotifying || this.#listeners.size === 0) return
    this.#isNotifying = true
    soon(() => {
      this.#isNotifying = false
      for (const listener of this.#listeners) listener()
    })
  }

  /**
   * As `changed`, for changes that arrive in bursts, such as messages. Promises may settle between them, as those of an
   * asynchronous schema do. The first change causes a render at once, and the others of the same turn of the event loop
   * together cause one more.
   */
  changedInBurst(): void {
    if (this.#isInBurst) {
      this.#changedSince = true
      return
    }
    this.#isInBurst = true
    this.changed()
    inNextTurn(() => {
      this.#isInBurst = false
      if (!this.#changedSince) return
      this.#changedSince = false
      this.changedInBurst()
    })
  }
}

/** The value of a store, with which the component renders again whenever it changes. */
export function useStore<Snapshot>(store: ReadableStore<Snapshot>): Snapshot {
  return useSelector(store, itself)
}

function itself<Snapshot>(snapshot: Snapshot): Snapshot {
  return snapshot
}
