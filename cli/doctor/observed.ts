import type { Family } from './dns.ts'
import type { Heard } from './first-bytes.ts'
import type { Idle } from './idle.ts'
import type { Version } from './mqtt/packets.ts'
import type { Trial } from './mqtt/versions.ts'
import { codeOf } from './mqtt/versions.ts'
import type { PacketSize } from './packet-size.ts'
import { percentile, type RoundTrips } from './round-trip.ts'
import type { Contact } from './tcp.ts'
import type { TlsMeasurement } from './tls/measure.ts'
import type { Permission } from './topics.ts'
import type { Upgrade } from './websocket.ts'

/** What was measured. A check that was not reached is left out. Nothing in it is secret. */
export interface Observed {
  readonly dns?: readonly Family[]
  readonly tcp?: readonly Contact[]
  readonly tls?: TlsMeasurement
  readonly heard?: Heard
  readonly upgrade?: Upgrade
  readonly trials?: readonly Trial[]
  readonly subscribe?: readonly Permission[]
  readonly publish?: readonly Permission[]
  readonly roundTrips?: readonly RoundTrips[]
  readonly packetSize?: PacketSize
  readonly idle?: Idle
}

/** The best version that the broker took. */
export function versionOf({ trials = [] }: Observed): Version | undefined {
  return trials.find((trial) => codeOf(trial) === 0)?.version
}

/** What the broker announced to the best version. */
export function announcedTo({ trials = [] }: Observed) {
  return trials.find((trial) => codeOf(trial) === 0)?.connack?.connack?.properties
}

/** For `--json`: without the raw CONNACK, which may hold data of an authentication, and without each single time. */
export function measurementsOf(observed: Observed): object {
  const { trials, roundTrips, ...others } = observed
  return {
    ...others,
    ...(trials && {
      trials: trials.map(({ version, time, connack, failure }) => {
        const { authenticationData: _, authenticationMethod: __, ...announced } = connack?.connack?.properties ?? {}
        return { version, time, code: connack?.codes[0], reasonString: connack?.reasonString, announced, failure }
      }),
    }),
    ...(roundTrips && {
      roundTrips: roundTrips.map(({ of, times, isBroken }) => {
        return { of, count: times.length, p50: percentile(times, 0.5), p99: percentile(times, 0.99), isBroken }
      }),
    }),
  }
}
