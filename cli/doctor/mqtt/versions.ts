import type { Failure } from '../../../machines/failure.ts'
import type { Lab } from '../lab.ts'
import { dial, type Route } from './dial.ts'
import type { Received, Version } from './packets.ts'

/** A CONNECT of one version, and what came of it. */
export interface Trial {
  readonly version: Version
  /** In milliseconds, from opening the connection to the CONNACK. */
  readonly time: number
  readonly connack?: Received
  /** Set if no CONNACK came. */
  readonly failure?: Failure
}

/** Codes of a CONNACK about the version: 1 of MQTT 3.1.1, which aedes and others send for MQTT 5, too. */
const UNSUPPORTED_VERSION = new Set([0x01, 0x84])

/**
 * Tries MQTT 5 and then MQTT 3.1.1. The second is not tried if the broker speaks MQTT 5 and refuses this client for another
 * reason: it would be refused again, and a broker may lock out whoever fails too often.
 */
export async function measureVersions(lab: Lab, route: Route, wanted: readonly Version[]): Promise<readonly Trial[]> {
  const trials: Trial[] = []
  for (const version of wanted) {
    const start = lab.clock.now()
    const outcome = await dial(lab, route, { version })
    const time = lab.clock.now() - start
    if ('failure' in outcome) {
      trials.push({ version, time, failure: outcome.failure })
      continue
    }
    const { value: connection } = outcome
    trials.push({ version, time, connack: connection.connack })
    connection.close()
    if (connection.code !== 0 && !isAboutVersion(connection.code)) break
  }
  return trials
}

/** Whether the CONNACK refuses a connection for a reason that the version does not change. */
export function isAboutVersion(code: number): boolean {
  return UNSUPPORTED_VERSION.has(code)
}

export function codeOf({ connack }: Trial): number | undefined {
  return connack?.codes[0]
}
