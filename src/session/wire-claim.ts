/**
 * The claim of a session's subscriptions on the connection. Publications yield to it.
 *
 * - `none`: publications may be written
 * - `first`: a SUBSCRIBE or UNSUBSCRIBE has to be written before new publications, because the application called for
 *   it earlier
 * - `alone`: no publication may be written. A SUBSCRIBE has to be the only unanswered packet, because the broker may
 *   close the connection on it
 */
export type WireClaim = 'none' | 'first' | 'alone'
