import type { ClientEvents } from '../api/events.ts'
import { callback } from '../shared/option-rules.ts'
import { checkName, didYouMean } from '../shared/read-options.ts'

const names = Object.keys({
  stateChanged: true,
  connected: true,
  serverChanged: true,
  redirected: true,
  redirectIgnored: true,
  connectionInterrupted: true,
  connectionResumed: true,
  reconnectScheduled: true,
  reconnectionFailed: true,
  recoveryStarted: true,
  recovered: true,
  tokenRefreshed: true,
  tokenRefreshFailed: true,
  reauthenticated: true,
  reauthenticationFailed: true,
  gaveUp: true,
  restoring: true,
  restored: true,
  subscriptionSuspended: true,
  subscriptionResumed: true,
  publishQuarantined: true,
  subscriptionRefused: true,
  subscriptionGranted: true,
  subscriptionFailed: true,
  sessionExpiryReduced: true,
  sessionLost: true,
  outboxRestored: true,
  unclaimed: true,
  publishRateReduced: true,
  messageFailed: true,
  acknowledgementsStalled: true,
  slowConsumer: true,
  idleTimeoutLearnt: true,
  packetsend: true,
  packetreceive: true,
  drained: true,
  publishFailed: true,
  error: true,
} satisfies Record<keyof ClientEvents, true>)

/** The equivalents of MQTT.js's events. */
const replacements: Readonly<Record<string, string>> = {
  message: 'subscribe() or the option onMessage',
  connect: 'connected',
  reconnect: 'reconnectScheduled',
  close: 'connectionInterrupted',
  offline: 'connectionInterrupted',
  disconnect: 'connectionInterrupted',
  end: 'stateChanged',
}

/**
 * Checks the arguments of `on`.
 *
 * @throws {InvalidOptionError} if there is no such event, or the handler is not a function
 */
export function checkListener(event: unknown, handler: unknown): void {
  checkName('event', 'an event of the client', event, names, eventHint)
  callback('handler', handler)
}

function eventHint(name: string): string | undefined {
  return Object.hasOwn(replacements, name) ? `see ${replacements[name]}` : didYouMean(name, names)
}
