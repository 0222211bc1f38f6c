/**
 * What the subscriptions of a session claim of the wire, before its publications:
 *
 * - `none`: nothing
 * - `first`: a SUBSCRIBE or UNSUBSCRIBE that was called for before the publications that wait has yet to be written
 * - `alone`: a SUBSCRIBE is to be the only packet under way, because the broker may close the connection on it
 */
export type WireClaim = 'none' | 'first' | 'alone'
