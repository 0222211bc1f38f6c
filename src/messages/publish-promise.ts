import { StoreError } from '../api/errors.ts'
import type { PendingPublish, PublishResult } from '../api/message-options.ts'
import type { RejectionObserver } from '../session/outgoing/publication.ts'
import { nothing } from '../shared/nothing.ts'
import type { Rejections } from '../shared/watched-promise.ts'

// Bits of a promise's state: one field costs less than three.

/** Code handles its rejection. */
const HANDLED = 1
/** Code reads `accepted`. */
const ASKED = 2
/** The publish is accepted, or will be as soon as the journal has written it. */
const ACCEPTABLE = 4

/**
 * The promise of a publish. Like `WatchedPromise` it knows whether code handles its rejection. It is no subclass of
 * that class, which would cost 0.05 µs per message.
 */
export class PublishPromise extends Promise<PublishResult> implements PendingPublish {
  #accepted: Promise<void> | undefined
  #state = 0

  static override get [Symbol.species](): PromiseConstructor {
    return Promise
  }

  /** Marks the publish as accepted. */
  static accept(published: PublishPromise): void {
    published.#accepted = ACCEPTED
    published.#state |= ACCEPTABLE
  }

  /**
   * Marks the publish as accepted when the other promise resolves. If that rejects, `refuse` is called as well.
   *
   * @param accepted - its rejection needs no handler
   */
  static acceptBy(published: PublishPromise, accepted: Promise<void>): void {
    published.#accepted = accepted
    published.#state |= ACCEPTABLE
  }

  /** The journal could not write the publish: code that awaits one of its two promises need not handle the other. */
  static refuse(published: PublishPromise): void {
    published.#state &= ~ACCEPTABLE
  }

  /** Whether code handles its rejection. A publish that is not accepted rejects both promises with the same error. */
  static isHandled(published: PublishPromise): boolean {
    const state = published.#state
    return (state & HANDLED) !== 0 || (state & (ASKED | ACCEPTABLE)) === ASKED
  }

  // oxlint-disable-next-line unicorn/no-thenable -- It is a promise.
  override then<Result = PublishResult, Failure = never>(
    onFulfilled?: ((result: PublishResult) => Result | PromiseLike<Result>) | null,
    onRejected?: ((reason: unknown) => Failure | PromiseLike<Failure>) | null,
  ): Promise<Result | Failure> {
    this.#state |= HANDLED
    return super.then(onFulfilled, onRejected)
  }

  get accepted(): Promise<void> {
    this.#state |= ASKED
    this.#accepted ??= this.#whenSettled()
    return this.#accepted
  }

  /** For a publish that is settled already. */
  #whenSettled(): Promise<void> {
    const settled = super.then(nothing)
    // Must not be an unhandled rejection.
    settled.catch(nothing)
    return settled
  }
}

/** Finds the publishes of a client whose rejections no code handles. */
export class PublishRejections implements RejectionObserver {
  readonly #rejections: Rejections
  readonly #tell: (topic: string, error: unknown) => void

  constructor(rejections: Rejections, tell: (topic: string, error: unknown) => void) {
    this.#rejections = rejections
    this.#tell = tell
  }

  rejected(promise: Promise<unknown>, topic: string, error: unknown, isLost: boolean): void {
    if (!(promise instanceof PublishPromise)) return
    if (error instanceof StoreError) PublishPromise.refuse(promise)
    const isHandled = () => !isLost || PublishPromise.isHandled(promise)
    this.#rejections.add(promise, isHandled, () => this.#tell(topic, error))
  }
}

const ACCEPTED = Promise.resolve()
