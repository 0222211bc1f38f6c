import type { Failure } from '../../machines/failure.ts'
import type { SessionLoss } from '../api/events.ts'
import type { Link } from './link.ts'

export interface SessionWatchEvents {
  /** The broker keeps the session for less time than the client has asked for. Durations are in milliseconds. */
  sessionExpiryReduced(asked: number, granted: number): void
  /** The broker was to keep the session, and has not. */
  sessionLost(loss: SessionLoss): void
}

/** A connection that has ended, whose session the broker was to keep. */
interface Ended {
  readonly clientId: string
  /** For how long the broker has promised to keep it, in milliseconds; `undefined` on MQTT 3.1.1. */
  readonly sessionExpiry: number | undefined
  /** In milliseconds since 1970. */
  readonly at: number
  readonly failure: Failure | undefined
}

/** Quota exceeded: a broker sends it when more is queued for a client than it keeps. */
const QUOTA_EXCEEDED = 0x97

/** Notices when the broker does not keep the session, or keeps it for less time than asked. */
export class SessionWatch {
  readonly #events: SessionWatchEvents
  readonly #now: () => number
  #ended: Ended | undefined
  /** The reduced expiry that was reported last. */
  #reported: number | undefined

  /** @param now - in milliseconds since 1970 */
  constructor(events: SessionWatchEvents, now: () => number) {
    this.#events = events
    this.#now = now
  }

  attached({ connect, clientId, limits }: Link, sessionPresent: boolean): void {
    const ended = this.#ended
    this.#ended = undefined
    this.#compare(connect.sessionExpiry, limits.sessionExpiry)
    if (!ended || sessionPresent || connect.clean || ended.clientId !== clientId) return
    const downtime = Math.max(0, this.#now() - ended.at)
    this.#events.sessionLost({ cause: causeOf(ended, downtime), downtime, failure: ended.failure ?? null })
  }

  detached({ connect, clientId, limits }: Link, failure: Failure | undefined): void {
    const { sessionExpiry } = limits
    const isKept = sessionExpiry === undefined ? !connect.clean : sessionExpiry > 0
    if (isKept) this.#ended = { clientId, sessionExpiry, at: this.#now(), failure }
  }

  #compare(asked: number, granted: number | undefined): void {
    // CONNECT has whole seconds.
    const isReduced = granted !== undefined && granted < Math.floor(asked / 1_000) * 1_000
    if (isReduced && granted !== this.#reported) this.#events.sessionExpiryReduced(asked, granted)
    this.#reported = isReduced ? granted : undefined
  }
}

function causeOf({ failure, sessionExpiry }: Ended, downtime: number): SessionLoss['cause'] {
  if (failure?.kind === 'disconnected' && failure.reasonCode === QUOTA_EXCEEDED) return 'quota'
  return sessionExpiry !== undefined && downtime >= sessionExpiry ? 'expired' : 'unknown'
}
