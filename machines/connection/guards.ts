import { rulesOf, type ConnectionConfig } from '../config.ts'
import type { ConnectionContext, CredentialsState, RefreshReason } from './types.ts'
import type { Disposition, Failure } from '../failure.ts'
import { classify } from '../policy/classify.ts'

/** What the failure means here. */
export function dispositionOf({ config }: ConnectionContext, failure: Failure): Disposition {
  return classify(failure, {
    canRefresh: config.canRefresh,
    onTakeover: config.onTakeover,
    override: rulesOf(config).classify,
  })
}

/** Whether new credentials are the answer. They are not if the refused ones were fresh, or none came: that backs off. */
export function wantsCredentials(context: ConnectionContext, failure: Failure): boolean {
  const { status } = context.credentials
  const fresh = status === 'fresh' || status === 'refused' || isRefreshFailure(failure)
  return context.config.canRefresh && !fresh && dispositionOf(context, failure) === 'refresh'
}

/** Whether the failure sends us to another server, and we go. */
export function redirects(context: ConnectionContext, failure: Failure): boolean {
  const { config, server } = context
  const serverReference = serverReferenceOf(failure)
  if (serverReference === null || dispositionOf(context, failure) !== 'redirect') return false
  return server.hops < config.redirect.maxHops && allows(rulesOf(config).allow, serverReference)
}

/** Whether the server wants us to use another one, whether it names one or not: 0x9C for now, 0x9D for good. */
export function sendsAway(failure: Failure): boolean {
  const told = failure.kind === 'refused' || failure.kind === 'disconnected'
  return told && (failure.reasonCode === 0x9c || failure.reasonCode === 0x9d)
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

/** Whether `failed` is left by itself: for the failure that was recorded last. */
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

/** Whether to ask for credentials before the next attempt. */
export function needsCredentials(context: Pick<ConnectionContext, 'config' | 'credentials'>): boolean {
  const { config, credentials } = context
  if (!config.canRefresh) return false
  return neededBecause(context) !== 'expiring' || isExpiring(config, credentials)
}

export function neededBecause({ credentials }: Pick<ConnectionContext, 'credentials'>): RefreshReason {
  if (credentials.status === 'missing') return 'initial'
  return credentials.status === 'refused' ? 'refused' : 'expiring'
}

/** Whether the connection can stay open although its renewal failed: its credentials are still valid. */
export function mayStay(context: ConnectionContext, failure: Failure): boolean {
  const { config, credentials, openedAt } = context
  if (openedAt === null || dispositionOf(context, failure) === 'fatal') return false
  return credentials.expiresAt === null || rulesOf(config).now() < credentials.expiresAt
}

/** Whether a planned renewal goes on although its connection was lost: a server that asks for a pause gets it. */
export function renewalGoesOn(context: ConnectionContext, failure: Failure): boolean {
  const disposition = dispositionOf(context, failure)
  return disposition === 'retry' || disposition === 'refresh'
}

/** How long before its expiry a token is renewed: as configured, but at most a tenth of its lifetime. */
export function refreshBefore(config: ConnectionConfig, { lifetime }: CredentialsState): number {
  return lifetime === null ? config.refreshBefore : Math.min(config.refreshBefore, Math.max(0, lifetime) / 10)
}

/** Whether the credentials source failed, and not the connection. */
export function isRefreshFailure(failure: Failure): boolean {
  if (failure.kind === 'timeout') return failure.phase === 'refresh'
  return failure.kind === 'refresh' || failure.kind === 'credentials'
}

function isExpiring(config: ConnectionConfig, credentials: CredentialsState): boolean {
  const { expiresAt } = credentials
  return expiresAt !== null && rulesOf(config).now() >= expiresAt - refreshBefore(config, credentials)
}

/** A rule of the user's that throws allows nothing. */
function allows(allow: (serverReference: string) => boolean, serverReference: string): boolean {
  try {
    return allow(serverReference)
  } catch {
    return false
  }
}
