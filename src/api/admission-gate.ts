import type { Failure } from '../../machines/failure.ts'

/**
 * Admits attempts to connect. If the gate throws, in `ask` or in the function that `ask` returns, the client reports it
 * through its `error` event and begins the attempt.
 */
export interface AdmissionGate {
  /**
   * Asks to be admitted.
   *
   * @param admit - call it when the attempt may begin, at once or later
   * @param request - says for which servers the client asks
   * @returns a function that the client calls when the attempt has ended or is no longer wanted. An attempt ends when
   *   its messages flow, or when it has failed
   */
  ask(admit: () => void, request?: AdmissionRequest): (outcome?: AdmissionOutcome) => void
}

/** What a client says about itself when it asks to be admitted. */
export interface AdmissionRequest {
  /**
   * The servers of the client, as `mqtts://host:port`; empty if only a function knows them, and has not been called
   * yet.
   */
  readonly servers: readonly string[]
  /**
   * Ends the backoff of the client, if one is running then, without counting an attempt. It is the same function each time
   * the client asks, and may be called at any time.
   */
  readonly wake: () => void
}

/** How an attempt ended. */
export type AdmissionOutcome =
  /** The broker has accepted the connection, the subscriptions are restored, and messages flow. */
  | { readonly type: 'ready' }
  /** The client tries again by itself after `retryIn` milliseconds, unless it has given up. */
  | { readonly type: 'failed'; readonly failure: Failure; readonly retryIn: number }
  /** The client went elsewhere, needs new credentials first, or was disconnected. This says nothing about its servers. */
  | { readonly type: 'withdrawn' }
