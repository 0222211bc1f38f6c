import type { PendingPublish } from './client-types.ts'
import type { PublishResult } from './session/publication.ts'

/** The promise of a publish. What is derived from it, by `then` for one, is an ordinary promise. */
export class PublishPromise extends Promise<PublishResult> implements PendingPublish {
  #accepted: Promise<void> | undefined

  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  /** It is accepted, or will be, when the other promise resolves. */
  static accept(published: PublishPromise, accepted: Promise<void>): void {
    published.#accepted = accepted
  }

  get accepted(): Promise<void> {
    // What was not accepted was rejected.
    this.#accepted ??= this.then(nothing)
    // Who asks for one of them may not look at the other.
    this.catch(nothing)
    this.#accepted.catch(nothing)
    return this.#accepted
  }
}

function nothing(): void {}
