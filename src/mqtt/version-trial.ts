import type { Failure } from '../../machines/failure.ts'

/** What an attempt tells about the version of MQTT that it tried: see `ProtocolVersions`. */
export interface VersionTrial {
  readonly version: 4 | 5
  /** The server accepted the connection. */
  accepted(): void
  /** The server does not take this version. @returns whether another one follows */
  refused(): boolean
  /** The server closed the connection before the CONNACK, or did not answer. */
  unanswered(): void
}

/** CONNACK return code 1 (MQTT 3.1.1 §3.2.2.3) and reason code 0x84 (MQTT 5 §3.2.2.2). */
const REFUSED = { 3: 1, 4: 1, 5: 0x84 } as const

/**
 * Tells a trial how an attempt ended before the CONNACK.
 *
 * @returns the failure, which says so if an attempt with another version follows
 */
export function judgeVersion(trial: VersionTrial, failure: Failure): Failure {
  if (failure.kind === 'refused' && failure.reasonCode === REFUSED[failure.protocolVersion]) {
    return trial.refused() ? { ...failure, nextVersion: 4 } : failure
  }
  if ('beforeConnack' in failure && !('status' in failure)) trial.unanswered()
  return failure
}
