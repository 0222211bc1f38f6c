import { rulesOf } from '../config.ts'
import type { Failure } from '../failure.ts'
import { chance, clampDelay } from '../policy/backoff.ts'
import { objectsToPacket } from '../policy/classify.ts'
import * as policy from '../policy/servers.ts'
import { deliversNothing, isRefreshFailure, sendsAway, serverReferenceOf, wantsCredentials } from './guards.ts'
import { redirectOf, redirects, visitedWith } from './redirects.ts'
import type { ConnectionContext, ServerChoice, ServerChosen } from './types.ts'

type Patch = Pick<ConnectionContext, 'server' | 'servers'>

/** How often it is checked whether the moment is quiet, once a server with a better priority is available. */
const QUIET_CHECK = 1_000

export const noServer: ServerChoice = Object.freeze({
  index: 0,
  redirect: null,
  hops: 0,
  redirectedAt: null,
  visited: Object.freeze([]),
  current: null,
  address: null,
  moved: false,
  chosenAt: null,
  opened: null,
})

/** The transport has chosen a server for its attempt. */
export function chosen(context: ConnectionContext, { current, address, moved, servers }: ServerChosen): Patch {
  return { server: { ...context.server, current, address, moved, chosenAt: now(context) }, servers }
}

/** A connection was opened. */
export function opened(context: ConnectionContext): Patch {
  const { server, config } = context
  const time = now(context)
  const connectTime = Math.max(0, time - (server.chosenAt ?? time))
  return {
    server: { ...server, opened: server.address },
    servers: changed(context, (each) => policy.opened(each, connectTime, config.failover, time)),
  }
}

/** The connection is stable: the row of redirects is over, and so is the round of attempts. */
export function proven(context: ConnectionContext): Patch {
  const { server, config } = context
  const servers = changed(context, (each) => policy.proven(each, server.moved, config.failover))
  return {
    server: rowEnded(server),
    servers: servers.map((each) => (each.tried ? { ...each, tried: false } : each)),
  }
}

/**
 * As in MQTT.js, the next server of the list follows a failed attempt. It also follows a connection that was not
 * stable, on which the server delivered nothing, or that it redirected: such a server might otherwise accept and drop the
 * client forever.
 */
export function failed(context: ConnectionContext, failure: Failure): Patch {
  const { openedAt, unprovenSince, server, servers, config } = context
  if (isRefreshFailure(failure) || redirects(context, failure)) return { server, servers }
  const isProven = openedAt !== null && unprovenSince === null
  const stays = isProven && !sendsAway(failure) && !deliversNothing(failure)
  if (stays) return { server, servers: changed(context, (each) => ({ ...each, lastFailure: failure })) }
  const isBlamed = server.chosenAt !== null && isServersFault(context, failure)
  return {
    server: {
      ...server,
      index: server.index + 1,
      redirect: null,
      current: isBlamed ? null : server.current,
      visited: serverReferenceOf(failure) === null ? noServer.visited : server.visited,
    },
    servers: isBlamed
      ? changed(context, (each) => policy.blamed(each, failure, config.failover, now(context)))
      : servers,
  }
}

/** Follows the Server Reference of the failure that was recorded last. */
export function redirected(context: ConnectionContext): Patch {
  const { server, servers, failure } = context
  const redirect = failure && redirectOf(context, failure)
  if (!redirect?.follows) return { server, servers }
  const { to, isPermanent } = redirect
  const moves = isPermanent && server.redirect === null && currentServer(context) !== undefined
  return {
    server: {
      ...server,
      redirect: moves ? null : to,
      hops: server.hops + 1,
      redirectedAt: now(context),
      visited: visitedWith(server, to),
    },
    servers: moves ? changed(context, (each) => ({ ...each, movedTo: to, failures: 0, coolingUntil: null })) : servers,
  }
}

/** The row of redirects is over: the next Server Reference is followed again. */
export function rowEnded(server: ServerChoice): ServerChoice {
  return { ...server, hops: 0, redirectedAt: null, visited: noServer.visited }
}

/**
 * Returns the choice for an attempt after a delay. If the last redirect is so long ago, it does not belong to the same row:
 * without this, servers that redirect to each other for a while could never redirect the client again.
 */
export function afterDelay(context: ConnectionContext, delay: number): ServerChoice {
  const { server, config } = context
  const { redirectedAt } = server
  const isOver = redirectedAt !== null && now(context) + delay - redirectedAt >= config.timeouts.stableAfter
  return isOver ? rowEnded(server) : server
}

/** Returns whether the open connection may be replaced by one to a server with a better priority. */
export function failsBack(context: ConnectionContext): boolean {
  const { openedAt, unprovenSince, config, servers, server } = context
  const { failBackAfter, selection } = config.failover
  const time = now(context)
  if (openedAt === null || unprovenSince !== null || selection === 'rotate' || server.redirect !== null) return false
  if (time - openedAt < failBackAfter) return false
  return policy.betterServers(servers, { policy: config.failover, current: server.current, now: time }).length > 0
}

/**
 * Returns when to check next whether the connection may be replaced by one to a better server, in milliseconds from now;
 * `null` if there is none. Clients of the same outage are spread over half of the time.
 */
export function failBackDelay(context: ConnectionContext): number | null {
  const { openedAt, config, servers, server } = context
  const { failBackAfter, selection } = config.failover
  if (selection === 'rotate' || server.redirect !== null || openedAt === null) return null
  const better = policy.betterServerAt(servers, server.current)
  if (better === Number.POSITIVE_INFINITY || failBackAfter === Number.POSITIVE_INFINITY) return null
  const { random } = rulesOf(config)
  const due = Math.max(openedAt + failBackAfter, better) - now(context)
  return clampDelay(Math.max(due, QUIET_CHECK) * (1 + chance(random) / 2))
}

/** Returns whether the server, rather than the client or the network of the application, may be the cause. */
function isServersFault(context: ConnectionContext, failure: Failure): boolean {
  const { kind } = failure
  if (kind === 'options' || kind === 'internal' || kind === 'unprocessed') return false
  if (kind === 'socket') return !failure.bySource
  if (kind === 'authentication') return failure.step === 'verify'
  if (kind === 'refused' && failure.nextVersion !== undefined) return false
  return !objectsToPacket(failure) && !wantsCredentials(context, failure)
}

/** Returns the entry of the list that the attempt uses, unless it was redirected elsewhere for now. */
function currentServer({ server, servers }: ConnectionContext): policy.ServerHealth | undefined {
  if (server.redirect !== null || server.current === null) return undefined
  return servers.find((each) => each.server === server.current)
}

function changed(
  context: ConnectionContext,
  change: (health: policy.ServerHealth) => policy.ServerHealth,
): readonly policy.ServerHealth[] {
  const current = currentServer(context)
  return current ? context.servers.map((each) => (each === current ? change(each) : each)) : context.servers
}

function now({ config }: ConnectionContext): number {
  return rulesOf(config).now()
}
