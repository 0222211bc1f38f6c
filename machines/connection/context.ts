import { connectionConfig, restoredConfig, rulesOf, type ConnectionConfig, type ConnectionInput } from '../config.ts'
import type { Disposition, Failure } from '../failure.ts'
import { backoffCeiling, backoffDelay, clampDelay, laterDelay, type BackoffPolicy } from '../policy/backoff.ts'
import { defaultReconnect } from '../policy/recovery.ts'
import type { SubscriptionsInput } from '../subscriptions.ts'
import {
  closesBeforeConnack,
  dispositionOf,
  isRefreshFailure,
  refreshBefore,
  refusesCredentials,
  suspectsCredentials,
} from './guards.ts'
import * as servers from './servers.ts'
import type { ConnectionContext, ConnectionCounters, CredentialsState, TransportOpened } from './types.ts'

/** A change of the context. The functions that return one are pure, apart from the injected chance and time. */
type Patch = Partial<ConnectionContext>

/** The counters of a machine that has done nothing yet. */
export const noCounters: ConnectionCounters = Object.freeze({
  connects: 0,
  interruptions: 0,
  failedAttempts: 0,
  cycles: 0,
  tokenRefreshes: 0,
  failedTokenRefreshes: 0,
  reauthentications: 0,
  failedReauthentications: 0,
  redirects: 0,
})

export function initialContext(input: ConnectionInput | undefined): ConnectionContext {
  return emptyContext(connectionConfig(input))
}

function emptyContext(config: ConnectionConfig): ConnectionContext {
  // Property by property, for speed. XState copies the context with `Object.assign` at each `assign`, and V8 turns a
  // copy with more than 16 properties into a dictionary unless it has seen an object grow like this. Transitions would
  // then take twice as long.
  const context = {} as { -readonly [Name in keyof ConnectionContext]: ConnectionContext[Name] }
  context.config = config
  context.attempt = 0
  context.cycle = 0
  context.woken = false
  context.delay = 0
  context.retryAt = null
  context.failure = null
  context.disposition = null
  context.credentials = withoutCredentials(config)
  context.refreshReason = 'initial'
  context.closesBeforeConnack = 0
  context.renewals = 0
  context.server = servers.noServer
  context.servers = []
  context.generation = 1
  context.admission = 'none'
  context.failingBack = false
  context.transport = false
  context.sessionPresent = false
  context.reauthenticates = false
  context.reauthentication = 'untried'
  context.openedAt = null
  context.unprovenSince = null
  context.interruptedAt = null
  context.replaced = false
  context.restore = { done: 0, total: 0 }
  context.periodic = []
  context.counters = noCounters
  return context
}

/**
 * Returns the context of a restored machine. The connection and the secrets are lost: an open connection counts as one
 * that ended as planned, and credentials must be obtained again.
 */
export function restored(persisted: ConnectionContext): ConnectionContext {
  const config = restoredConfig(persisted.config)
  // Properties that an earlier version did not have get their defaults.
  const server = { ...servers.noServer, ...persisted.server }
  const context = Object.assign(emptyContext(config), persisted, { config, server })
  const credentials = context.credentials.status === 'refused' ? context.credentials : withoutCredentials(config)
  return Object.assign(context, offline(context), {
    credentials: config.canRefresh ? credentials : withoutCredentials(config),
    admission: 'none',
    failingBack: false,
    reauthenticates: false,
    unprovenSince: null,
    restore: { done: 0, total: 0 },
    periodic: [],
  } satisfies Patch)
}

/** Returns the context after an error has ended the actor: nothing is open, and nothing follows automatically. */
export function broken(context: ConnectionContext, failure: Failure): ConnectionContext {
  const { openedAt, interruptedAt, counters } = context
  const open = openedAt !== null
  return {
    ...context,
    failure,
    disposition: 'fatal',
    admission: 'none',
    failingBack: false,
    transport: false,
    retryAt: null,
    openedAt: null,
    unprovenSince: null,
    // Does not call `now`, which may be the function that failed.
    interruptedAt: interruptedAt ?? openedAt,
    replaced: false,
    counters: { ...counters, interruptions: counters.interruptions + Number(open) },
  }
}

export function subscriptionsInput({ config }: ConnectionContext): SubscriptionsInput {
  return { subscribeTimeout: config.timeouts.subscribeTimeout, random: rulesOf(config).random }
}

export function failed(context: ConnectionContext, failure: Failure): Patch {
  const { openedAt, interruptedAt, replaced } = context
  const open = openedAt !== null
  const refresh = isRefreshFailure(failure)
  const disposition = dispositionOf(context, failure)
  const { interruptions, failedTokenRefreshes, failedAttempts } = context.counters
  return {
    failure,
    disposition,
    openedAt: null,
    unprovenSince: null,
    replaced: false,
    interruptedAt: open ? (interruptedAt ?? now(context)) : interruptedAt,
    renewals: context.renewals + Number(refresh),
    ...judged(context, failure, disposition),
    generation: context.generation + Number(failure.kind === 'tls'),
    ...servers.failed(context, failure),
    counters: {
      ...context.counters,
      interruptions: interruptions + Number(open || replaced),
      failedTokenRefreshes: failedTokenRefreshes + Number(refresh),
      failedAttempts: failedAttempts + Number(!open && !refresh),
    },
  }
}

export function refreshFailed(context: ConnectionContext, failure: Failure): Patch {
  return {
    failure,
    disposition: dispositionOf(context, failure),
    renewals: context.renewals + 1,
    counters: count(context, 'failedTokenRefreshes'),
  }
}

export function reauthenticated(context: ConnectionContext): Patch {
  return { reauthentication: 'works', counters: count(context, 'reauthentications') }
}

/** If the first try fails, the server may not renew credentials like this at all. */
export function reauthenticationFailed(context: ConnectionContext, failure: Failure): Patch {
  const isOther = failure.kind === 'authentication' || refusesCredentials(failure)
  const isRefused = context.reauthentication === 'untried' && !isOther
  return {
    failure,
    disposition: dispositionOf(context, failure),
    reauthentication: isRefused ? 'refused' : context.reauthentication,
    counters: count(context, 'failedReauthentications'),
  }
}

export function opened(
  context: ConnectionContext,
  { sessionPresent, reauthenticates = false }: TransportOpened,
): Patch {
  return {
    sessionPresent,
    reauthenticates,
    openedAt: now(context),
    unprovenSince: context.unprovenSince ?? now(context),
    closesBeforeConnack: 0,
    restore: { done: 0, total: 0 },
    ...servers.opened(context),
    counters: count(context, 'connects'),
  }
}

/** The transport has ended. If its connection was still open, the machine closed it in order to replace it. */
export function offline(context: ConnectionContext): Patch {
  const { openedAt, interruptedAt, replaced } = context
  const byPlan = openedAt !== null
  return {
    transport: false,
    openedAt: null,
    interruptedAt: byPlan ? (interruptedAt ?? now(context)) : interruptedAt,
    replaced: byPlan || replaced,
  }
}

/** The connection was open long enough: the counters reset, and the credentials are proven. */
export function stable(context: ConnectionContext): Patch {
  const { credentials } = context
  const proven = credentials.status === 'fresh' ? { ...credentials, status: 'proven' as const } : credentials
  return { ...startOver(context), ...servers.proven(context), unprovenSince: null, credentials: proven }
}

export function startOver({ server }: ConnectionContext): Patch {
  return { attempt: 0, cycle: 0, woken: false, delay: 0, retryAt: null, server: servers.rowEnded(server) }
}

export function scheduleReconnect(context: ConnectionContext): Patch {
  if (context.retryAt !== null) return resumed(context, context.retryAt)
  const attempt = context.attempt + 1 - Number(context.woken)
  return { attempt, woken: false, ...schedule(context, rulesOf(context.config).reconnect, attempt) }
}

export function scheduleRecovery(context: ConnectionContext): Patch {
  if (context.retryAt !== null) return resumed(context, context.retryAt)
  const cycle = context.cycle + 1 - Number(context.woken && context.cycle > 0)
  return {
    cycle,
    woken: false,
    ...schedule(context, rulesOf(context.config).recovery, cycle),
    counters: count(context, 'cycles'),
  }
}

/** Follows the Server Reference of the failure that was recorded last. */
export function redirected(context: ConnectionContext): Patch {
  return { ...servers.redirected(context), counters: count(context, 'redirects') }
}

export function recreated({ config, generation }: ConnectionContext): Patch {
  return config.recovery.recreateClient ? { generation: generation + 1 } : {}
}

export function refreshed(context: ConnectionContext, expiresAt: number | null): Patch {
  const lifetime = expiresAt === null ? null : expiresAt - now(context)
  return {
    credentials: { status: 'fresh', expiresAt, lifetime },
    closesBeforeConnack: 0,
    counters: count(context, 'tokenRefreshes'),
    renewals:
      lifetime !== null && lifetime < backoffCeiling(renewalPolicy(context.config), 1) ? context.renewals + 1 : 0,
  }
}

/** Returns the rest of `stableAfter`. The time before a planned replacement counts. */
export function stableDelay(context: ConnectionContext): number {
  const { config, unprovenSince } = context
  const { stableAfter } = config.timeouts
  const proven = unprovenSince === null ? 0 : Math.max(0, now(context) - unprovenSince)
  return clampDelay(stableAfter - proven)
}

/** The timeout of an attempt starts when it is admitted. The wait for the gate has no limit. */
export function connectDelay({ config, admission }: ConnectionContext): number {
  return clampDelay(admission === 'awaited' ? Number.POSITIVE_INFINITY : config.timeouts.connectTimeout)
}

/**
 * Returns the time until the planned renewal, in milliseconds; the longest delay if none is planned. After a renewal
 * that failed, or whose token is due again immediately, the next one waits for a backoff: a source that returns expired
 * tokens (a wrong clock is enough) must not cause a hot loop. Any other renewal follows exactly when it is due, even if
 * the timer fires slightly early and starts again.
 */
export function renewalDelay({ config, credentials, renewals }: ConnectionContext): number {
  const { now: time, random } = rulesOf(config)
  const policy = renewalPolicy(config)
  if (!config.canRefresh || credentials.expiresAt === null) return clampDelay(Number.POSITIVE_INFINITY)
  const due = credentials.expiresAt - refreshBefore(config, credentials) - time()
  const follows = renewals > 0 && due < backoffCeiling(policy, 1)
  return clampDelay(follows ? Math.max(due, backoffDelay(policy, renewals, random)) : due)
}

/**
 * Renewals use the backoff of the fast tier. An initial delay of 0 is acceptable there, because the number of attempts
 * is limited. It is not for renewals, which have no limit, so they use the default delay instead.
 */
function renewalPolicy(config: ConnectionConfig): BackoffPolicy {
  const { reconnect } = rulesOf(config)
  if (reconnect.initialDelay > 0) return reconnect
  const { initialDelay } = defaultReconnect
  return { ...reconnect, initialDelay, maxDelay: Math.max(initialDelay, reconnect.maxDelay) }
}

type Schedule = Pick<ConnectionContext, 'delay' | 'retryAt' | 'server'>

function schedule(context: ConnectionContext, policy: BackoffPolicy, n: number): Schedule {
  const { config, disposition } = context
  const previous = n > 1 ? context.delay : policy.initialDelay
  const later = disposition === 'retry-later'
  const { random } = rulesOf(config)
  const delay = later ? laterDelay(policy, random) : backoffDelay(policy, n, random, previous)
  const asked = askedDelay(context, policy)
  const chosen = asked > delay ? laterDelay(policy, random, asked) : delay
  return { delay: chosen, retryAt: now(context) + chosen, server: servers.afterDelay(context, chosen) }
}

/** Returns how long the server asked us to wait, but at most the longest delay of recovery. */
function askedDelay({ config, failure }: ConnectionContext, { maxDelay }: BackoffPolicy): number {
  const asked = failure?.kind === 'websocket' ? (failure.retryAfter ?? 0) : 0
  return Math.min(clampDelay(asked), Math.max(maxDelay, config.recovery.maxDelay))
}

/** Returns the rest of a delay. Only a restored machine enters a waiting state while a delay is already running. */
function resumed(context: ConnectionContext, retryAt: number): Schedule {
  // At most the original delay, even if the wall clock was set back.
  const delay = clampDelay(Math.min(retryAt - now(context), context.delay))
  return { delay, retryAt: now(context) + delay, server: context.server }
}

function now({ config }: ConnectionContext): number {
  return rulesOf(config).now()
}

function withoutCredentials({ canRefresh }: ConnectionConfig): CredentialsState {
  return { status: canRefresh ? 'missing' : 'none', expiresAt: null, lifetime: null }
}

/**
 * Returns what the failure says about the credentials. If they were only suspected and the source fails, they are used again:
 * the broker may be away, and the credentials valid.
 */
function judged(
  context: ConnectionContext,
  failure: Failure,
  disposition: Disposition,
): Pick<ConnectionContext, 'credentials' | 'closesBeforeConnack'> {
  const { credentials, config } = context
  const closes = closesBeforeConnack(context, failure)
  const isSuspected = credentials.status === 'refused' && suspectsCredentials(config, closes)
  if (isSuspected && isRefreshFailure(failure)) {
    return { credentials: { ...credentials, status: 'fresh' }, closesBeforeConnack: 0 }
  }
  const refused = disposition === 'refresh'
  return { credentials: refused ? { ...credentials, status: 'refused' } : credentials, closesBeforeConnack: closes }
}

function count({ counters }: ConnectionContext, name: keyof ConnectionCounters): ConnectionCounters {
  return { ...counters, [name]: counters[name] + 1 }
}
