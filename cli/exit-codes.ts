import type { Failure } from '../machines/failure.ts'

/** As libmosquitto's MOSQ_ERR_TIMEOUT, with which mosquitto_sub ends after -W. */
export const TIMED_OUT = 27

export const FAILED = 1

/** As mosquitto_sub: the code of the CONNACK, or of the DISCONNECT, if the broker has sent one. */
export function exitCodeOf(failure: Failure): number {
  const isAnswer = failure.kind === 'refused' || failure.kind === 'disconnected'
  return isAnswer && failure.reasonCode > 0 ? failure.reasonCode : FAILED
}
