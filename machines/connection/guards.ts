import { rulesOf, type ConnectionConfig } from '../config.ts'
import type { Disposition, Failure } from '../failure.ts'
import { classify, isUnexplainedClose } from '../policy/classify.ts'
import type { ConnectionContext, CredentialsState, RefreshReason } from './types.ts'

/** Returns what the failure means with the current configuration. */
export function dispositionOf(context: ConnectionContext, failure: Failure): Disposition {
  const { config } = context
  return classify(failure, {
    canRefresh: config.canRefresh,
    onTakeover: config.onTakeover,
    suspectsCredentials: suspectsCredentials(config, closesBeforeConnack(context, failure)),
    override: rulesOf(config).classify,
  })
}

/** Returns how many WebSocket connections in a row were closed before the CONNACK, with this one. */
export function closesBeforeConnack(context: ConnectionContext, failure: Failure): number {
  if (isRefreshFailure(failure)) return context.closesBeforeConnack
  return isUnexplainedClose(failure) ? context.closesBeforeConnack + 1 : 0
}

/** Returns whether so many closes cast suspicion on the credentials. */
export function suspectsCredentials({ refreshAfterCloses }: ConnectionConfig, closes: number): boolean {
  return refreshAfterCloses > 0 && closes >= refreshAfterCloses
}

/**
 * Returns whether new credentials can resolve the failure. They cannot if the refused ones were fresh, or if the source
 * failed: a backoff follows then.
 */
export function wantsCredentials(context: ConnectionContext, failure: Failure): boolean {
  const { status } = context.credentials
  const fresh = status === 'fresh' || status === 'refused' || isRefreshFailure(failure)
  return context.config.canRefresh && !fresh && dispositionOf(context, failure) === 'refresh'
}

/**
 * Returns whether the server refers the client to another server (0x9C for now, 0x9D for good), even without naming it.
 */
export function sendsAway(failure: Failure): boolean {
  const hasReason = failure.kind === 'refused' || failure.kind === 'disconnected'
  return hasReason && (failure.reasonCode === 0x9c || failure.reasonCode === 0x9d)
}

/** Returns whether the server kept the connection open and delivered nothing. */
export function deliversNothing(failure: Failure): boolean {
  return failure.kind === 'timeout' && failure.phase === 'traffic'
}

export function serverReferenceOf(failure: Failure): string | null {
  return failure.kind === 'refused' || failure.kind === 'disconnected' ? (failure.serverReference ?? null) : null
}

export function attemptsLeft({ config, attempt, woken }: ConnectionContext): boolean {
  return config.reconnect.enabled && attempt - Number(woken) < config.reconnect.maxAttempts
}

export function cyclesLeft({ config, cycle, woken }: ConnectionContext): boolean {
  return config.recovery.enabled && cycle - Number(woken && cycle > 0) < config.recovery.maxAttempts
}

/** Returns whether recovery follows the last failure. */
export function mayRecover(context: ConnectionContext): boolean {
  return context.disposition !== 'fatal' && cyclesLeft(context)
}

export function refreshesInThisCycle({
  config,
  cycle,
  disposition,
}: Pick<ConnectionContext, 'config' | 'cycle' | 'disposition'>): boolean {
  const { refreshTokenEvery } = config.recovery
  if (!config.canRefresh) return false
  return disposition === 'refresh' || (refreshTokenEvery > 0 && cycle % refreshTokenEvery === 0)
}

/** Returns whether the next attempt needs new credentials. */
export function needsCredentials(context: Pick<ConnectionContext, 'config' | 'credentials'>): boolean {
  const { config, credentials } = context
  if (!config.canRefresh) return false
  return neededBecause(context) !== 'expiring' || isExpiring(config, credentials)
}

export function neededBecause({ credentials }: Pick<ConnectionContext, 'credentials'>): RefreshReason {
  if (credentials.status === 'missing') return 'initial'
  return credentials.status === 'refused' ? 'refused' : 'expiring'
}

/** Returns whether the connection stays open after a failed renewal, because its credentials are still valid. */
export function mayStay(context: ConnectionContext, failure: Failure): boolean {
  const { config, credentials, openedAt } = context
  if (openedAt === null || dispositionOf(context, failure) === 'fatal') return false
  return credentials.expiresAt === null || rulesOf(config).now() < credentials.expiresAt
}

/**
 * Returns whether a planned renewal continues after its connection was lost. It stops if the server asks for a pause.
 */
export function renewalGoesOn(context: ConnectionContext, failure: Failure): boolean {
  const disposition = dispositionOf(context, failure)
  return disposition === 'retry' || disposition === 'refresh'
}

/**
 * Returns whether the credentials that are about to expire are renewed on the open connection. Not if the connection is to be
 * replaced anyway, as after RECOVER.
 */
export function reauthenticates(context: ConnectionContext): boolean {
  const { admission, openedAt, reauthentication } = context
  return context.reauthenticates && reauthentication !== 'refused' && openedAt !== null && admission === 'none'
}

/** Returns whether only the renewal on the open connection failed, which is then replaced, as planned and without a pause. */
export function failsToReauthenticate(context: ConnectionContext, failure: Failure): boolean {
  const isCause = failure.kind === 'authentication' || ('reauthenticating' in failure && failure.reauthenticating)
  return isCause && dispositionOf(context, failure) !== 'fatal'
}

/** Returns whether the server has refused the credentials themselves. */
export function refusesCredentials(failure: Failure): boolean {
  return failure.kind === 'disconnected' && failure.reasonCode === 0x87
}

/** Returns how long before its expiry a token is renewed: as configured, but at most a tenth of its lifetime. */
export function refreshBefore(config: ConnectionConfig, { lifetime }: CredentialsState): number {
  return lifetime === null ? config.refreshBefore : Math.min(config.refreshBefore, Math.max(0, lifetime) / 10)
}

/** Returns whether the credentials source failed, rather than the connection. */
export function isRefreshFailure(failure: Failure): boolean {
  if (failure.kind === 'timeout') return failure.phase === 'refresh'
  return failure.kind === 'refresh' || failure.kind === 'credentials'
}

function isExpiring(config: ConnectionConfig, credentials: CredentialsState): boolean {
  const { expiresAt } = credentials
  return expiresAt !== null && rulesOf(config).now() >= expiresAt - refreshBefore(config, credentials)
}
