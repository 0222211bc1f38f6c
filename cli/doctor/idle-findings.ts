import { defaultKeepAlive } from '../../src/config/defaults.ts'
import { type Finding, note, ok, warning } from './finding.ts'
import type { Idle } from './idle.ts'
import { isWebSocket, type Target } from './way.ts'
import { inWords, span } from './words.ts'

/** The keep alive that is sent this much earlier than the silence which ends a connection. */
const MARGIN = 0.75

/**
 * Reads what silent connections did.
 *
 * @param keepalive - that of the client, in milliseconds; the default if it has none
 * @param serverKeepAlive - that of the broker, in milliseconds, if it announced one
 */
export function idleFindings(
  target: Target,
  idle: Idle,
  keepalive = keepAliveOf(target),
  serverKeepAlive?: number,
): readonly Finding[] {
  const { survived, ended, limit, isUnclear, failure } = idle
  if (failure) {
    return [
      note(
        'idle',
        'none',
        `The idle timeout was not measured, because a further connection failed: ${inWords(failure)}.`,
      ),
    ]
  }
  if (isUnclear && ended) {
    return [
      warning(
        'idle',
        'unclear',
        `Silent connections ended after ${span(ended.after)}, and one that was not silent ended as well, so silence is not the cause: the broker may have restarted, or it limits connections.`,
        'Look at the log of the broker, and run the doctor with --idle again.',
      ),
    ]
  }
  if (!ended) {
    return [ok('idle', `A connection that is silent for ${span(survived)} stays open.${bound(limit, serverKeepAlive)}`)]
  }
  const what = describe(survived, ended)
  const fitting = fittingKeepAlive(idle)
  if (fitting === undefined || (keepalive > 0 && keepalive <= fitting)) {
    return [
      note(
        'idle',
        'timeout',
        `${what} The keep alive of the client, ${span(keepalive)}, is shorter, so it is not affected.`,
      ),
    ]
  }
  const own = keepalive === 0 ? 'The client has no keep alive' : `The keep alive of the client is ${span(keepalive)}`
  return [
    warning(
      'idle',
      'timeout',
      `${what} ${own}, so an idle connection is lost again and again.`,
      `Set options.keepalive: ${fitting}, or raise the timeout of the proxy, load balancer or NAT on the way.`,
    ),
  ]
}

/** A keep alive that prevents such an end, in milliseconds; `undefined` if none is needed. */
export function fittingKeepAlive({ ended, survived, isUnclear }: Idle): number | undefined {
  if (!ended || isUnclear) return undefined
  const safe = ended.how === 'closed' ? ended.after : survived || ended.after / 2
  return Math.max(1, Math.floor((safe * MARGIN) / 1_000)) * 1_000
}

export function keepAliveOf(target: Target): number {
  return isWebSocket(target) ? defaultKeepAlive.webSocket : defaultKeepAlive.tcp
}

function describe(survived: number, { after, how, failure }: NonNullable<Idle['ended']>): string {
  if (failure?.kind === 'disconnected') {
    return `The broker itself ends a connection that is silent for ${span(after)} (${inWords(failure)}).`
  }
  if (how === 'closed') {
    const end = failure?.kind === 'socket' ? 'resets' : 'closes'
    return `Something on the way ${end} a connection that is silent for ${span(after)}: a proxy, a load balancer, or the broker.`
  }
  return `Something on the way, such as a NAT or a firewall, forgets a connection that is silent for ${span(after)}, without a word: it looks open, and is dead. After ${span(survived)} of silence it still works.`
}

function bound(limit: number, serverKeepAlive: number | undefined): string {
  if (serverKeepAlive === undefined || serverKeepAlive > limit) return ''
  return ` A longer silence was not tried, because the broker demands a keep alive of ${span(serverKeepAlive)}.`
}
