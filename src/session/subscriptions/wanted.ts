import type { SubscriptionLimit } from '../../api/errors.ts'
import type { Qos, UserProperties } from '../../api/message.ts'
import type { SubscriptionRequest } from '../../wire/packets.ts'
import type { Subscribers } from './subscribers.ts'
import type { Suspendable } from './suspensions.ts'

/**
 * Reason codes that another SUBSCRIBE would not change: invalid filter, packet too large, shared or wildcard
 * subscriptions or identifiers not supported.
 */
const PERMANENT: ReadonlySet<number> = new Set([0x8f, 0x95, 0x9e, 0xa1, 0xa2])

/** What became of a SUBSCRIBE for one filter. */
export interface Answer {
  /** A code of a SUBACK (MQTT 5 §3.9.3). */
  readonly code: number
  /** The broker's text, if it gave one. */
  readonly reasonString?: string | undefined
  /** The limit of the broker because of which nothing was sent. */
  readonly limit?: SubscriptionLimit
}

/** A wanted topic filter: one subscription at the broker, however many subscribers there are. */
export interface Wanted extends Suspendable {
  readonly identifier: number
  readonly subscribers: Subscribers
  request: SubscriptionRequest
  granted: Qos
  /** How often in a row the broker refused it. */
  refusals: number
  /** Whether that was its last answer, on this connection or an earlier one. */
  wasRefused: boolean
  reasonCode: number
  /** Whether the broker may hold the subscription, regardless of the current request. */
  known: boolean
  /** Whether the next SUBSCRIBE is for all subscribers again, although the broker kept the session. */
  repeats: boolean
  /** Until when retained messages are expected, by the session's time: see `RetainedMessages`. */
  retainedUntil: number
}

/** A topic filter that the broker holds and the application no longer wants. */
export interface Unwanted {
  readonly filter: string
  /** Whether an UNSUBSCRIBE is unanswered. */
  asked: boolean
  /** The first connection on which UNSUBSCRIBE may be sent, counted from 1. */
  askFrom: number
  /** On how many connections it was last left out, after the broker closed one on it. */
  pause: number
  /** Called once when the broker does not hold it any more, or the application wants it again. Must not subscribe. */
  gone: (() => void) | undefined
  /** Of the UNSUBSCRIBE. */
  userProperties: UserProperties | undefined
}

/** How many filters are wanted, and what the broker has answered. */
export interface WantedCounts {
  readonly wanted: number
  readonly held: number
  readonly refused: number
  /** How many of the refused ones may be asked for again on this connection. */
  readonly retryable: number
  readonly suspended: number
}

export function countWanted(all: ReadonlyMap<string, Wanted>, maxAttempts: number): WantedCounts {
  let held = 0
  let refused = 0
  let retryable = 0
  let suspended = 0
  for (const wanted of all.values()) {
    if (wanted.state === 'held') held++
    if (wanted.state === 'suspended') suspended++
    if (wanted.state !== 'refused') continue
    refused++
    if (isRetryable(wanted, maxAttempts)) retryable++
  }
  return { wanted: all.size, held, refused, retryable, suspended }
}

/** Whether the broker refused a filter and may be asked again on this connection. */
export function isRetryable({ state, refusals, reasonCode }: Wanted, maxAttempts: number): boolean {
  return state === 'refused' && refusals <= maxAttempts && !PERMANENT.has(reasonCode)
}
