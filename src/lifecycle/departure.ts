import { DisconnectedError, InvalidOptionError, TimeoutError } from '../api/errors.ts'
import type { DisconnectOptions } from '../api/message-options.ts'
import type { ClientConfig } from '../config/client-config.ts'
import { defaultDisconnect } from '../config/defaults.ts'
import { nothing } from '../shared/nothing.ts'
import { toSessionExpiryInterval } from '../shared/session-expiry.ts'
import type { Waits } from '../shared/wait.ts'
import type { Disconnect } from '../wire/disconnect.ts'
import type { ConnectCalls } from './connect-calls.ts'
import type { Observer } from './observer.ts'
import type { ConnectionRuntime } from './runtime.ts'

/** The parts of a client that `disconnect` needs. */
export interface DeparturePort {
  readonly runtime: ConnectionRuntime
  readonly observer: Observer
  readonly connectCalls: ConnectCalls
  readonly waits: Waits
  readonly config: Pick<ClientConfig, 'clock' | 'timeouts'>
  readonly isDisposed: () => boolean
  /** Whether a connection is open. Its subscriptions may still be being restored, after which the outbox drains. */
  readonly isConnected: () => boolean
  /** Sends DISCONNECT to the machine. */
  readonly leave: () => void
}

/**
 * Disconnects: handlers finish, the outbox drains, and DISCONNECT is sent, each in bounded time.
 *
 * @throws {InvalidOptionError} if the DISCONNECT can't be sent on the open connection; nothing was done then
 */
export async function depart(port: DeparturePort, options: DisconnectOptions): Promise<void> {
  const { runtime, observer, connectCalls, waits } = port
  const { signal, outbox = defaultDisconnect.outbox } = options
  const { state } = observer
  if (port.isDisposed() || state === 'idle' || state === 'disconnected') return leaveOutbox(runtime, outbox)
  const farewell = farewellOf(options, runtime)
  try {
    await finish(port, options).finally(() => {
      runtime.farewell = farewell
      port.leave()
    })
    await connectCalls.disconnected(waits, signal)
  } finally {
    runtime.farewell = undefined
    // Also if the signal ended the wait: otherwise the remaining publishes would never settle.
    await leaveOutbox(runtime, outbox)
  }
}

/** Settles the publishes that are left, and waits until the store has recorded that. */
async function leaveOutbox({ session, journal }: ConnectionRuntime, policy: 'reject' | 'keep'): Promise<void> {
  if (policy === 'reject') session.reject(new DisconnectedError('the publish was delivered'))
  // The next process must not send settled publishes again.
  await journal?.flush()
}

function farewellOf(options: DisconnectOptions, { session }: ConnectionRuntime): Disconnect {
  const { reasonCode = defaultDisconnect.reasonCode, sessionExpiry, userProperties } = options
  if (session.protocolVersion !== undefined && session.protocolVersion !== 5) {
    if (sessionExpiry !== undefined) throw new InvalidOptionError('sessionExpiry', 'needs MQTT 5', sessionExpiry)
    if (userProperties) throw new InvalidOptionError('userProperties', 'needs MQTT 5')
  }
  if (sessionExpiry && session.peer?.sessionExpiry === 0) {
    throw new InvalidOptionError(
      'sessionExpiry',
      'must be 0, because it was 0 when the client connected',
      sessionExpiry,
    )
  }
  const sessionExpiryInterval = sessionExpiry === undefined ? undefined : toSessionExpiryInterval(sessionExpiry)
  return { reasonCode, sessionExpiryInterval, userProperties }
}

/** Lets handlers finish, if that is wanted, and then the outbox drain, for a while, if a connection is open. */
async function finish(port: DeparturePort, options: DisconnectOptions): Promise<void> {
  const { handlers = defaultDisconnect.handlers, signal } = options
  const { disconnectTimeout } = port.config.timeouts
  const { timeout = disconnectTimeout, drainTimeout = disconnectTimeout } = options
  const { session } = port.runtime
  if (handlers === 'finish' && port.isConnected()) {
    const finished = session.finishHandlers()
    await atMost(port, 'finishing the handlers', timeout, signal, (resolve) => void finished.then(resolve))
  }
  if (session.awaitDrained() || !port.isConnected()) return
  await atMost(port, 'draining the outbox', drainTimeout, signal, (resolve) =>
    port.observer.events.on('drained', () => resolve()),
  )
}

/** Waits, as long as the state stays the same. @param begin - begins to listen, and may return what ends that */
async function atMost(
  { waits, config, observer }: DeparturePort,
  what: string,
  after: number,
  signal: AbortSignal | undefined,
  begin: (resolve: () => void) => (() => void) | void,
): Promise<void> {
  if (after === 0) return
  const timeout = { after, clock: config.clock, error: () => new TimeoutError(what, after) }
  await waits
    .wait<void>({ signal, timeout }, (ending) => [
      begin(() => ending.resolve()) ?? nothing,
      observer.events.on('stateChanged', () => ending.resolve()),
    ])
    .catch((error: unknown) => {
      if (!(error instanceof TimeoutError)) throw error
    })
}
