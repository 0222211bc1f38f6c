import type { WireClaim } from '../wire-claim.ts'

/**
 * The connection, as the sender sees it.
 *
 * - `detached`: there is no connection
 * - `restoring`: the connection is new, and the subscriptions are being restored
 * - `announcing`: the connection is ready, and the application publishes its birth
 * - `publishing`: the connection is ready
 * - `paused`: the connection is about to end
 */
export type ConnectionPhase = 'detached' | 'restoring' | 'announcing' | 'publishing' | 'paused'

/**
 * What has to be done with the publications in flight before another one may join them.
 *
 * - `nothing`: all of them were sent on the open connection, or are left out
 * - `resending`: some have yet to be sent on it
 * - `journaling`: the packet ids of some are being written to the journal. The end of a connection does not end this
 */
export type InFlightWork = 'nothing' | 'resending' | 'journaling'

/** Names what the sender waits for. See the table at `senderState`. */
export type SenderState =
  | 'detached'
  | 'paused'
  | 'journaling'
  | 'held'
  | 'resending'
  | 'restoring'
  | 'yielding'
  | 'announcing'
  | 'flowing'

/**
 * Derives the state of the sender from three facts with one owner each: the phase of the connection (set by the link
 * and the machine), the work left in flight (the sender's own), and the claim of the subscriptions. The first row that
 * applies wins:
 *
 * | State        | When                             | In flight is written | New is written | Ends with                        |
 * | ------------ | -------------------------------- | -------------------- | -------------- | -------------------------------- |
 * | `detached`   | no connection                    | no                   | no             | `attached`                       |
 * | `paused`     | `pausePublishing` was called     | no                   | no             | `detached` or `resumePublishing` |
 * | `journaling` | packet ids are being written     | no                   | no             | the journal's answer             |
 * | `held`       | a SUBSCRIBE goes alone           | no                   | no             | its SUBACK, or a new round       |
 * | `resending`  | something in flight is unwritten | yes                  | no             | the last of it                   |
 * | `restoring`  | the machine is not ready         | yes                  | no             | `resumePublishing`               |
 * | `yielding`   | a SUBSCRIBE has to go first      | yes                  | no             | the write of that SUBSCRIBE      |
 * | `announcing` | the birth is published           | yes                  | of the birth   | `resumePublishing`               |
 * | `flowing`    | none of these                    | yes                  | yes            |                                  |
 *
 * In the states that write, the socket, the broker's Receive Maximum and the suspects limit how much is written.
 */
export function senderState(phase: ConnectionPhase, inFlight: InFlightWork, claim: WireClaim): SenderState {
  if (phase === 'detached' || phase === 'paused') return phase
  if (inFlight === 'journaling') return inFlight
  if (claim === 'alone') return 'held'
  if (inFlight === 'resending') return inFlight
  if (phase === 'restoring') return phase
  if (claim === 'first') return 'yielding'
  return phase === 'announcing' ? phase : 'flowing'
}

const WRITING: ReadonlySet<SenderState> = new Set(['resending', 'restoring', 'yielding', 'announcing', 'flowing'])

/** Whether publications in flight may be written in a state. */
export function writesInFlight(state: SenderState): boolean {
  return WRITING.has(state)
}

/** Whether publications that are not in flight may be written in a state. */
export function writesNew(state: SenderState): boolean {
  return state === 'flowing' || state === 'announcing'
}
