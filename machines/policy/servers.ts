import type { Failure } from '../failure.ts'
import { chance } from './backoff.ts'

/** A server of the list, without its secrets. */
export interface ListedServer {
  /** Scheme, host and port, such as `mqtts://a.example:8883`. A number follows if the list has several of these. */
  readonly server: string
  /** The servers with the lowest number come first, as in DNS SRV (RFC 2782). */
  readonly priority: number
  /** The share of this server among those with the same priority. */
  readonly weight: number
}

/** What is known of a server of the list. Times are in milliseconds since 1970. */
export interface ServerHealth extends ListedServer {
  /** Attempts to connect to it. */
  readonly attempts: number
  /** Connections to it that were opened. */
  readonly connects: number
  /** Failures in a row that are blamed on it, since its last stable connection. */
  readonly failures: number
  readonly lastFailure: Failure | null
  /** Until when other servers are preferred; `null` if they are not. */
  readonly coolingUntil: number | null
  /** How long it took to open the last connection, in milliseconds; `null` before the first. */
  readonly connectTime: number | null
  /** Whether it was tried in this round. No server is tried twice before each of the others was tried. */
  readonly tried: boolean
  /** The Server Reference of a server that said that it has moved for good (0x9D). */
  readonly movedTo: string | null
}

/** How a server is chosen. Durations are in milliseconds. */
export interface FailoverPolicy {
  /**
   * - `rotate`: the next server of the list follows a failure, whatever its priority
   * - `ordered`: the first server with the best priority
   * - `weighted`: a random server with the best priority
   *
   * @default 'rotate'
   */
  readonly selection: 'rotate' | 'ordered' | 'weighted'
  /**
   * How long a connection must have been open before it may be replaced by one to a server with a better priority.
   *
   * @default 300_000
   */
  readonly failBackAfter: number
  /** How long other servers are preferred after a failure. It doubles with each further failure. @default 30_000 */
  readonly coolDown: number
  /** The longest cool-down. @default 900_000 */
  readonly maxCoolDown: number
  /** A server that takes longer to open a connection is slow, and cools down, too. @default 10_000 */
  readonly slowAfter: number
}

export const defaultFailover: FailoverPolicy = Object.freeze({
  selection: 'rotate',
  failBackAfter: 300_000,
  coolDown: 30_000,
  maxCoolDown: 900_000,
  slowAfter: 10_000,
})

/** After so many failures in a row, a server that has moved is tried at its old address as well. */
const MOVE_IN_DOUBT = 3

/** What a choice depends on. */
export interface ServerQuery {
  readonly policy: FailoverPolicy
  /** The position in the list; it wraps around. Only `rotate` uses it. */
  readonly index: number
  /** The server of the last connection, which is kept if possible. */
  readonly current: string | null
  /** What it may be left for: another server if it cools down, or also one with a better priority. */
  readonly leavesFor: 'none' | 'cooling' | 'better'
  /** In milliseconds since 1970. */
  readonly now: number
  /** Returns a number in [0, 1). */
  readonly random: () => number
}

export interface ServerPick {
  readonly server: ServerHealth
  /** All servers, after the attempt is counted. */
  readonly servers: readonly ServerHealth[]
}

/** Returns what is known of the servers of a list. What is known of other servers is forgotten. */
export function knownServers(
  listed: readonly ListedServer[],
  known: readonly ServerHealth[],
): readonly [ServerHealth, ...ServerHealth[]] {
  const health = listed.map((each) => ({ ...(known.find(({ server }) => server === each.server) ?? unknown), ...each }))
  return health as [ServerHealth, ...ServerHealth[]]
}

/**
 * Chooses the server of the next attempt: the current one if that is possible, or else one with the best priority of those
 * that do not cool down and were not tried in this round. If all of them cool down, it is the one that is ready first.
 */
export function pickServer(servers: readonly [ServerHealth, ...ServerHealth[]], query: ServerQuery): ServerPick {
  const { server, isNewRound } = candidate(servers, query)
  return {
    server,
    servers: servers.map((each) => {
      if (each === server) return { ...each, attempts: each.attempts + 1, tried: true }
      return isNewRound && each.tried ? { ...each, tried: false } : each
    }),
  }
}

/** Returns the servers with a better priority than the current one that do not cool down. */
export function betterServers(
  servers: readonly ServerHealth[],
  { policy, current, now }: Pick<ServerQuery, 'policy' | 'current' | 'now'>,
): ServerHealth[] {
  return servers.filter((each) => !isCooling(each, policy, now) && isBetter(each, servers, current))
}

/**
 * Returns when the first server with a better priority has cooled down, in milliseconds since 1970; Infinity if there is
 * none.
 */
export function betterServerAt(servers: readonly ServerHealth[], current: string | null): number {
  const better = servers.filter((each) => isBetter(each, servers, current))
  return Math.min(...better.map(({ coolingUntil }) => coolingUntil ?? 0))
}

/** Returns a server after a failure that is blamed on it. */
export function blamed(health: ServerHealth, failure: Failure, policy: FailoverPolicy, now: number): ServerHealth {
  return { ...coolingDown(health, policy, now), lastFailure: failure }
}

/** Returns a server after it has opened a connection. A slow one cools down. */
export function opened(health: ServerHealth, connectTime: number, policy: FailoverPolicy, now: number): ServerHealth {
  const counted = { ...health, connects: health.connects + 1, connectTime }
  return isSlow(counted, policy) ? coolingDown(counted, policy, now) : counted
}

/** Returns a server after a stable connection. @param hasMoved - whether the connection went where the server has moved */
export function proven(health: ServerHealth, hasMoved: boolean, policy: FailoverPolicy): ServerHealth {
  const good = isSlow(health, policy) ? {} : { failures: 0, coolingUntil: null }
  return { ...health, ...good, movedTo: hasMoved ? health.movedTo : null }
}

/**
 * Returns whether a connection goes where the server has moved. If it fails there again and again, every second attempt
 * goes to the old address: one of the two may be gone.
 */
export function goesToMoved({ movedTo, failures }: ServerHealth): boolean {
  return movedTo !== null && (failures < MOVE_IN_DOUBT || failures % 2 === 0)
}

/** Returns whether other servers are preferred. A time that is too far away means that the wall clock was set back. */
export function isCooling(
  { coolingUntil }: Pick<ServerHealth, 'coolingUntil'>,
  { maxCoolDown }: Pick<FailoverPolicy, 'maxCoolDown'>,
  now: number,
): boolean {
  return coolingUntil !== null && coolingUntil > now && coolingUntil - now <= maxCoolDown
}

const unknown: ServerHealth = Object.freeze({
  server: '',
  priority: 0,
  weight: 1,
  attempts: 0,
  connects: 0,
  failures: 0,
  lastFailure: null,
  coolingUntil: null,
  connectTime: null,
  tried: false,
  movedTo: null,
})

function candidate(
  servers: readonly [ServerHealth, ...ServerHealth[]],
  query: ServerQuery,
): { readonly server: ServerHealth; readonly isNewRound: boolean } {
  const { policy, index, current, leavesFor, now } = query
  const [first] = servers
  if (policy.selection === 'rotate') return { server: servers[index % servers.length] ?? first, isNewRound: false }
  const better = leavesFor === 'better' ? betterServers(servers, query) : []
  if (better.length > 0) return { server: preferred(better, query) ?? first, isNewRound: false }
  const stays = servers.find(({ server }) => server === current)
  if (stays && (leavesFor === 'none' || !isCooling(stays, policy, now))) return { server: stays, isNewRound: false }
  const ready = servers.filter((each) => !isCooling(each, policy, now))
  if (ready.length === 0) return { server: readyFirst(servers) ?? first, isNewRound: false }
  const untried = ready.filter(({ tried }) => !tried)
  const isNewRound = untried.length === 0
  return { server: preferred(isNewRound ? ready : untried, query) ?? first, isNewRound }
}

/** Of the servers with the best priority, the first one or a random one. */
function preferred(servers: readonly ServerHealth[], { policy, random }: ServerQuery): ServerHealth | undefined {
  const best = Math.min(...servers.map(({ priority }) => priority))
  const equals = servers.filter(({ priority }) => priority === best)
  return policy.selection === 'weighted' && equals.length > 1 ? weighted(equals, random) : equals[0]
}

/** A random server, in proportion to the weights. One with the weight 0 is taken only if all of them have it. */
function weighted(servers: readonly ServerHealth[], random: () => number): ServerHealth | undefined {
  const total = servers.reduce((sum, { weight }) => sum + weight, 0)
  if (total === 0) return servers[Math.min(Math.floor(chance(random) * servers.length), servers.length - 1)]
  const shares = servers.filter(({ weight }) => weight > 0)
  let rest = chance(random) * total
  return shares.find(({ weight }) => (rest -= weight) < 0) ?? shares.at(-1)
}

function readyFirst(servers: readonly ServerHealth[]): ServerHealth | undefined {
  return servers.toSorted((a, b) => (a.coolingUntil ?? 0) - (b.coolingUntil ?? 0) || a.priority - b.priority)[0]
}

function isBetter({ priority }: ServerHealth, servers: readonly ServerHealth[], current: string | null): boolean {
  const present = servers.find(({ server }) => server === current)
  return present !== undefined && priority < present.priority
}

function isSlow({ connectTime }: ServerHealth, { selection, slowAfter }: FailoverPolicy): boolean {
  return selection !== 'rotate' && connectTime !== null && connectTime > slowAfter
}

/** Counts a failure. A list that rotates passes on to the next server anyway. */
function coolingDown(health: ServerHealth, policy: FailoverPolicy, now: number): ServerHealth {
  const { selection, coolDown, maxCoolDown } = policy
  const failures = health.failures + 1
  if (selection === 'rotate') return { ...health, failures }
  // 0 × Infinity is NaN.
  const grown = coolDown === 0 ? 0 : coolDown * 2 ** (failures - 1)
  return { ...health, failures, coolingUntil: now + Math.min(grown, maxCoolDown) }
}
