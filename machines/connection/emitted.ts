import { rulesOf } from '../config.ts'
import type { Failure } from '../failure.ts'
import { attemptsLeft, isRefreshFailure, mayRecover, serverReferenceOf } from './guards.ts'
import { type Redirect, redirectOf } from './redirects.ts'
import type { ConnectionContext, ConnectionEmitted, ConnectionEvent } from './types.ts'

type Emitted<Type extends ConnectionEmitted['type']> = Extract<ConnectionEmitted, { type: Type }>

/** Never emitted: the context always has a failure when one is announced. The type checker needs the fallback. */
const unknown: Failure = { kind: 'closed' }

export function failure(context: ConnectionContext, cause: Failure): ConnectionEmitted[] {
  const emitted: ConnectionEmitted[] = []
  if (isRefreshFailure(cause)) emitted.push(tokenRefreshFailed(context, cause))
  if (context.openedAt !== null || context.replaced) emitted.push({ type: 'connectionInterrupted', failure: cause })
  const redirect = redirectOf(context, cause)
  if (redirect) emitted.push(redirected(redirect, serverReferenceOf(cause) ?? ''))
  return emitted
}

/** Emits `serverChanged` if the last connection was open to another server. */
export function opened({ server }: ConnectionContext): ConnectionEmitted[] {
  const { opened: from, address: to } = server
  return from === null || to === null || from === to ? [] : [{ type: 'serverChanged', from, to }]
}

export function ready(context: ConnectionContext, event: ConnectionEvent): ConnectionEmitted[] {
  const { sessionPresent, interruptedAt, replaced, cycle, config } = context
  const { restored, refused } = event.type === 'subscriptions.restored' ? event : { restored: 0, refused: 0 }
  const emitted: ConnectionEmitted[] = [
    { type: 'restored', restored, refused },
    { type: 'connected', sessionPresent, restored, refused },
  ]
  if (interruptedAt !== null && !replaced) {
    // The wall clock may have been set back.
    const downtime = Math.max(0, rulesOf(config).now() - interruptedAt)
    emitted.push({ type: 'connectionResumed', sessionPresent, downtime })
  }
  if (cycle > 0) emitted.push({ type: 'recovered', cycle })
  return emitted
}

export function reconnectScheduled(context: ConnectionContext): Emitted<'reconnectScheduled'> {
  const { attempt, delay } = context
  return { type: 'reconnectScheduled', attempt, delay, failure: context.failure ?? unknown }
}

export function recoveryStarted(context: ConnectionContext): Emitted<'recoveryStarted'> {
  const { cycle, delay } = context
  return { type: 'recoveryStarted', cycle, delay, failure: context.failure ?? unknown }
}

function redirected(redirect: Redirect, serverReference: string): ConnectionEmitted {
  if (!redirect.follows) return { type: 'redirectIgnored', serverReference, reason: redirect.refusal }
  return { type: 'redirected', to: redirect.to, permanent: redirect.isPermanent }
}

export function tokenRefreshed(context: ConnectionContext): Emitted<'tokenRefreshed'> {
  return { type: 'tokenRefreshed', reason: context.refreshReason, expiresAt: context.credentials.expiresAt }
}

export function tokenRefreshFailed(context: ConnectionContext, cause: Failure): Emitted<'tokenRefreshFailed'> {
  return { type: 'tokenRefreshFailed', reason: context.refreshReason, failure: cause }
}

export function reauthenticated({ credentials }: ConnectionContext): Emitted<'reauthenticated'> {
  return { type: 'reauthenticated', expiresAt: credentials.expiresAt }
}

export function reauthenticationFailed(cause: Failure): Emitted<'reauthenticationFailed'> {
  return { type: 'reauthenticationFailed', failure: cause }
}

/** Emits `reconnectionFailed` if the fast tier has just run out, and `gaveUp` if no recovery follows. */
export function failed(context: ConnectionContext): ConnectionEmitted[] {
  const { attempt: attempts, cycle: cycles, disposition } = context
  const cause = context.failure ?? unknown
  const emitted: ConnectionEmitted[] = []
  if (cycles === 0 && disposition !== 'fatal' && !attemptsLeft(context)) {
    emitted.push({ type: 'reconnectionFailed', attempts, failure: cause })
  }
  if (!mayRecover(context)) emitted.push({ type: 'gaveUp', failure: cause, attempts, cycles })
  return emitted
}
