import type { Receiver } from './receiver.ts'

/**
 * The receivers of responses to requests. They get their messages on arrival, also while those of others wait: the
 * handlers that keep them waiting may wait for the response.
 */
export class Requesters {
  #receivers: Set<Receiver> | undefined

  /** Whether a response is awaited. */
  get areAwaiting(): boolean {
    for (const { isAwaiting } of this.#receivers ?? []) if (isAwaiting?.()) return true
    return false
  }

  /** Adds a receiver if it is one of them. */
  add(receiver: Receiver): void {
    if (receiver.isAwaiting) (this.#receivers ??= new Set()).add(receiver)
  }

  delete(receiver: Receiver): void {
    this.#receivers?.delete(receiver)
  }

  /** Those of some receivers that are requesters. */
  among(receivers: readonly Receiver[]): readonly Receiver[] {
    return this.#receivers?.size ? receivers.filter(({ isAwaiting }) => isAwaiting) : none
  }

  /** Those of some receivers that are not. */
  leaveOut(receivers: readonly Receiver[]): readonly Receiver[] {
    return this.#receivers?.size ? receivers.filter(({ isAwaiting }) => !isAwaiting) : receivers
  }
}

const none: readonly Receiver[] = []
