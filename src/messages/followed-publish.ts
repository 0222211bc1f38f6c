import type { PublishResult } from '../api/message-options.ts'
import type { PublishTap } from '../session/message-tap.ts'
import type { Publication } from '../session/outgoing/publication.ts'
import type { Session } from '../session/session.ts'
import { onAbort } from '../shared/abort.ts'

/** Settles a publish that a signal can abort, or that a tap follows. */
export class FollowedPublish {
  readonly #tap: PublishTap | undefined
  readonly #resolve: (result: PublishResult) => void
  readonly #reject: (error: unknown) => void
  #publication: Publication | undefined
  #stopWaiting: (() => void) | undefined

  constructor(tap: PublishTap | undefined, resolve: (result: PublishResult) => void, reject: (error: unknown) => void) {
    this.#tap = tap
    this.#resolve = resolve
    this.#reject = reject
  }

  readonly succeeded = (result: PublishResult): void => {
    this.#stopWaiting?.()
    this.#tap?.succeeded(result)
    this.#resolve(result)
  }

  readonly failed = (error: unknown): void => {
    this.#stopWaiting?.()
    this.#tap?.failed(error, this.#publication?.transmitted ?? false)
    this.#reject(error)
  }

  begin(publication: Publication, signal: AbortSignal | undefined, session: Pick<Session, 'abort'>): void {
    this.#publication = publication
    if (signal) this.#stopWaiting = onAbort(signal, () => session.abort(publication, signal.reason))
  }
}
