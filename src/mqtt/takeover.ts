import type { Failure } from '../../machines/failure.ts'

/** So many connections in a row make a suspicion. */
const ENOUGH = 3

/** A connection that lives longer is closed for another reason: no idle timeout is as short. In milliseconds. */
const SHORT = 10_000

/** What a connection was like that the broker had accepted. */
export interface EndedConnection {
  /** Since the CONNACK, in milliseconds. */
  readonly age: number
  /** Whether the broker sent anything after the CONNACK. */
  readonly isAnswered: boolean
  /** Whether the broker owes us an answer: it may have closed because of that packet. */
  readonly isAwaitingAnswer: boolean
}

/**
 * Suspects that another client uses the same client id. On MQTT 3.1.1 the broker only closes the connection then. Each client
 * connects again, and takes the session from the other: connections that work are closed soon, again and again.
 */
export class TakeoverSuspicion {
  #closes = 0

  /**
   * @param connection - `undefined` if there was no CONNACK
   * @returns the failure, with the suspicion if there is one
   */
  judge(failure: Failure, connection: EndedConnection | undefined): Failure {
    if (failure.kind !== 'closed' || !connection || !isLikeTakeover(connection)) {
      this.reset()
      return failure
    }
    this.#closes++
    return this.#closes >= ENOUGH ? { ...failure, suspicion: 'takeover' } : failure
  }

  reset(): void {
    this.#closes = 0
  }
}

function isLikeTakeover({ age, isAnswered, isAwaitingAnswer }: EndedConnection): boolean {
  return age < SHORT && isAnswered && !isAwaitingAnswer
}
