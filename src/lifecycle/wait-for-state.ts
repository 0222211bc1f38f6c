import type { Failure } from '../../machines/failure.ts'
import type { Clock } from '../api/clock.ts'
import { type ConnectionFailedError, TimeoutError } from '../api/errors.ts'
import type { ConnectionState } from '../api/status.ts'
import { waitRules } from '../config/call-rules.ts'
import { oneOf } from '../shared/option-rules.ts'
import { readCallOptions } from '../shared/read-options.ts'
import type { Waits } from '../shared/wait.ts'
import { clientMachine } from './actors.ts'
import type { Observer } from './observer.ts'
import { type ConnectionSnapshot, gaveUp } from './snapshot.ts'

/** The parts of a client that a wait needs. */
export interface WaitPort {
  readonly clock: Clock
  readonly observer: Observer
  readonly waits: Waits
  readonly snapshot: () => ConnectionSnapshot
  readonly failed: (failure: Failure) => ConnectionFailedError
}

/** Waits until the connection is in a state: see `ResilientMqttClient.waitFor`. */
export async function waitForState(
  { clock, observer, waits, snapshot, failed }: WaitPort,
  state: ConnectionState,
  options: { readonly signal?: AbortSignal; readonly timeout?: number },
): Promise<void> {
  oneOf(...Object.keys(clientMachine.states))('state', state)
  const { signal, timeout: after } = readCallOptions('waitFor', options, waitRules)
  if (observer.state === state) return
  const now = snapshot()
  if (gaveUp(now) && now.context.failure) throw failed(now.context.failure)
  const error = () => new TimeoutError(`waiting for ${state}`, after ?? 0)
  const timeout = after === undefined ? undefined : { after, clock, error }
  await waits.wait<void>({ signal, timeout }, (ending) => [
    observer.events.on('stateChanged', ({ to }) => to === state && ending.resolve()),
    observer.events.on('gaveUp', ({ failure }) => {
      if (state !== 'failed') ending.reject(failed(failure))
    }),
  ])
}
