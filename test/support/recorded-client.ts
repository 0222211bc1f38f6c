import { onTestFinished } from 'vitest'
import type { InspectionEvent } from 'xstate'

import {
  ResilientMqttClient,
  type ClientEvents,
  type ClientStatus,
  type ResilientMqttClientOptions,
} from '../../src/index.ts'
import { Waiters, type WaitOptions } from '../../testing/wait-for.ts'
import { recordingLogger } from './recording-logger.ts'

const names = [
  'stateChanged',
  'connected',
  'connectionInterrupted',
  'connectionResumed',
  'reconnectScheduled',
  'reconnectionFailed',
  'recoveryStarted',
  'recovered',
  'tokenRefreshed',
  'tokenRefreshFailed',
  'reauthenticated',
  'reauthenticationFailed',
  'gaveUp',
  'restoring',
  'restored',
  'subscriptionFailed',
  'drained',
] as const satisfies (keyof ClientEvents)[]

export interface Told {
  readonly name: keyof ClientEvents
  readonly event: object
  /** The client's status inside the handler. */
  readonly status: ClientStatus
  readonly isConnected: boolean
}

/** Retries after a millisecond, for ever. */
export const atOnce = {
  reconnect: { initialDelay: 1, maxDelay: 1, jitter: 'none', maxAttempts: Number.POSITIVE_INFINITY },
} as const satisfies Partial<ResilientMqttClientOptions>

/** The first failure is the last. */
export const once = { reconnect: { enabled: false }, recovery: { enabled: false } } as const

/** A client, and all its events and log lines. It is disposed at the end of the test. */
export function startClient(options: ResilientMqttClientOptions) {
  const told: Told[] = []
  const inspected: InspectionEvent[] = []
  const waiters = new Waiters(
    () => `Told: ${told.map(({ name, event }) => `${name} ${JSON.stringify(event)}`).join(' ')}`,
  )
  const { logger, lines } = recordingLogger(() => waiters.changed())
  const client = new ResilientMqttClient({
    logger,
    inspect: (event) => void inspected.push(event),
    ...options,
  })
  for (const name of names) {
    client.on(name, (event) => {
      told.push({ name, event, status: client.status, isConnected: client.isConnected })
      waiters.changed()
    })
  }
  onTestFinished(() => client[Symbol.asyncDispose]())

  const heard = <Name extends keyof ClientEvents>(name: Name): ClientEvents[Name][] =>
    told.filter((each) => each.name === name).map(({ event }) => event as ClientEvents[Name])
  return {
    client,
    told,
    /** The lines of its log. */
    lines,
    inspected,
    heard,
    /** The states that it entered, including the first. */
    path: (): readonly string[] => ['idle', ...heard('stateChanged').map(({ to }) => to)],
    /** Waits for the n-th event of a name. */
    next: <Name extends keyof ClientEvents>(name: Name, n = heard(name).length + 1, wait: WaitOptions = {}) =>
      waiters.wait(`${name} ${n}`, () => heard(name)[n - 1], wait) as Promise<ClientEvents[Name]>,
  }
}
