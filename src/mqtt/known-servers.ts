import type { ClientEvents } from '../api/events.ts'
import { Addresses } from './addresses.ts'
import { IdleTimeouts } from './idle-timeouts.ts'
import { TakeoverSuspicion } from './takeover.ts'

/** What outlives the connections of one client. */
export interface KnownServers {
  readonly idleTimeouts: IdleTimeouts
  readonly takeovers: TakeoverSuspicion
  readonly addresses: Addresses
}

/** @param onIdleTimeoutLearnt - called when it is learnt that something in between closes idle connections to a server */
export function createKnownServers(
  time: () => number,
  onIdleTimeoutLearnt: (learnt: ClientEvents['idleTimeoutLearnt']) => void,
): KnownServers {
  return {
    idleTimeouts: new IdleTimeouts(time, onIdleTimeoutLearnt),
    takeovers: new TakeoverSuspicion(),
    addresses: new Addresses(),
  }
}
