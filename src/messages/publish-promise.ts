import type { PendingPublish, PublishResult } from '../api/message-options.ts'
import type { RejectionObserver } from '../session/outgoing/publication.ts'
import type { Rejections } from '../shared/watched-promise.ts'
import { nothing } from '../shared/nothing.ts'

/** Bits of a promise's state: one field is less work than three. */
const TAKEN = 1
/** Code looks at `accepted`. */
const ASKED = 2
/** It is accepted, or will be, when the journal says so. */
const ACCEPTABLE = 4

/**
 * The promise of a publish. Like `WatchedPromise` it knows whether code takes its rejection; a subclass of that one would
 * cost a twentieth of a microsecond for each message.
 */
export class PublishPromise extends Promise<PublishResult> implements PendingPublish {
  #accepted: Promise<void> | undefined
  #state = 0

  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  /** It is accepted. */
  static accept(published: PublishPromise): void {
    published.#accepted = ACCEPTED
    published.#state |= ACCEPTABLE
  }

  /** It is accepted when the other promise resolves. */
  static acceptBy(published: PublishPromise, accepted: Promise<void>): void {
    published.#accepted = accepted
    published.#state |= ACCEPTABLE
    // The publish rejects, too: code that awaits one of them need not look at the other.
    accepted.catch(() => {
      published.#state &= ~ACCEPTABLE
    })
  }

  /** Whether code takes its rejection. What is not accepted rejects both promises, by the same error. */
  static isTaken(published: PublishPromise): boolean {
    const state = published.#state
    return (state & TAKEN) !== 0 || (state & (ASKED | ACCEPTABLE)) === ASKED
  }

  // oxlint-disable-next-line unicorn/no-thenable -- It is a promise.
  override then<Result = PublishResult, Failure = never>(
    onFulfilled?: ((result: PublishResult) => Result | PromiseLike<Result>) | null,
    onRejected?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure> {
    this.#state |= TAKEN
    return super.then(onFulfilled, onRejected)
  }

  get accepted(): Promise<void> {
    this.#state |= ASKED
    this.#accepted ??= this.#whenSettled()
    return this.#accepted
  }

  /** It was rejected, or is done already. */
  #whenSettled(): Promise<void> {
    const settled = super.then(nothing)
    // For the process it counts as handled.
    settled.catch(nothing)
    return settled
  }
}

/** Finds the publishes of a client whose rejections no code takes. */
export class PublishRejections implements RejectionObserver {
  readonly #rejections: Rejections
  readonly #tell: (topic: string, error: unknown) => void

  constructor(rejections: Rejections, tell: (topic: string, error: unknown) => void) {
    this.#rejections = rejections
    this.#tell = tell
  }

  rejected(promise: Promise<unknown>, topic: string, error: unknown, isLost: boolean): void {
    const isTaken = () => !isLost || (promise instanceof PublishPromise && PublishPromise.isTaken(promise))
    this.#rejections.add(promise, isTaken, () => this.#tell(topic, error))
  }
}

const ACCEPTED = Promise.resolve()
