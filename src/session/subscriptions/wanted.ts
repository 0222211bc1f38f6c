import type { Qos } from '../../api/message.ts'
import type { SubscriptionRequest } from '../../wire/packets.ts'
import type { Subscribers } from './subscribers.ts'
import type { Suspendable } from './suspensions.ts'

/** All that is wanted of one topic filter: one SUBSCRIBE, whatever the number of subscribers. */
export interface Wanted extends Suspendable {
  readonly identifier: number
  readonly subscribers: Subscribers
  request: SubscriptionRequest
  granted: Qos
  /** How often in a row the broker refused it. */
  refusals: number
  reasonCode: number
  /** Whether the broker may hold it, whatever is asked for now. */
  known: boolean
}

/** Held by the broker, and no longer wanted. */
export interface Unwanted {
  readonly filter: string
  /** Whether an UNSUBSCRIBE is under way. */
  asked: boolean
  /** On which connection it is asked for at the earliest, counted from 1. */
  askFrom: number
  /** On how many connections it was left out last, after the broker closed one on it. */
  pause: number
}
