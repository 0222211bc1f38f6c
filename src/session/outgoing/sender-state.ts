import type { WireClaim } from '../wire-claim.ts'

/**
 * What the connection is to the sender.
 *
 * - `detached`: there is none
 * - `restoring`: it is new, and the subscriptions are being restored
 * - `publishing`: it is ready
 * - `paused`: it is about to end
 */
export type ConnectionPhase = 'detached' | 'restoring' | 'publishing' | 'paused'

/**
 * What has to happen to the publications in flight before another one may join them.
 *
 * - `nothing`: all of them went over the open connection, or are set aside
 * - `resending`: some have yet to be written to it
 * - `journaling`: the packet ids of some are being written to the journal. A connection that ends does not end this.
 */
export type InFlightWork = 'nothing' | 'resending' | 'journaling'

/** What the sender may write, and what it waits for. */
export type SenderState =
  | 'detached'
  | 'paused'
  | 'journaling'
  | 'held'
  | 'resending'
  | 'restoring'
  | 'yielding'
  | 'flowing'

/**
 * The state of the sender. It follows from three facts, each of which has one owner: what the connection is (the link and
 * the machine), what is left to do in flight (the sender), and what the subscriptions claim of the wire. The first row
 * that fits counts:
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
 * | `flowing`    | none of these                    | yes                  | yes            |                                  |
 *
 * In each state that writes, the socket, the broker's Receive Maximum and the suspects still decide how much.
 */
export function senderState(phase: ConnectionPhase, inFlight: InFlightWork, claim: WireClaim): SenderState {
  if (phase === 'detached' || phase === 'paused') return phase
  if (inFlight === 'journaling') return inFlight
  if (claim === 'alone') return 'held'
  if (inFlight === 'resending') return inFlight
  if (phase === 'restoring') return phase
  return claim === 'first' ? 'yielding' : 'flowing'
}

/** Whether what is in flight may be written in a state. */
export function writesInFlight(state: SenderState): boolean {
  return state === 'flowing' || state === 'resending' || state === 'restoring' || state === 'yielding'
}
