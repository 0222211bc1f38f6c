import type { ClientEvents } from '../api/events.ts'

/** How an open connection ended. Durations are in milliseconds. */
export interface Ending {
  /**
   * - `closed`: by the other side, without a word, while nothing was awaited
   * - `unanswered`: nothing answered what we sent after a silence
   * - `otherwise`: all other ends, also those that we chose
   */
  readonly how: 'closed' | 'unanswered' | 'otherwise'
  /** How long no bytes had passed in either direction: before the close, or before what was not answered. */
  readonly silence: number
  /** The longest silence after which something arrived on this connection. */
  readonly survived: number
}

/** What is known of the way to one server. */
interface Knowledge {
  /** The keep alive of the last connection; 0 if it was off. */
  keepalive: number
  /** The silence that was learnt. */
  silence: number
  /** After how much silence PINGREQ is sent; `undefined` if nothing is learnt. */
  interval: number | undefined
  /** When the keep alive is tried again. */
  retryAt: number
  /** How long after the last close. */
  retryAfter: number
  /** Whether the current connection tries it. */
  isTrial: boolean
  /** The silence before the last close, if the last connection ended by one; otherwise 0. */
  lastClose: number
  /** The silence after which nothing answered, on the last connection that ended like that. */
  doubted: number
  /** How many connections have ended like that since one survived such a silence. */
  unanswered: number
  /** The longest silence that any connection survived. */
  survived: number
}

/** A close after a shorter silence may be an answer to what was sent, so that nothing is learnt from it. */
export const SHORTEST_SILENCE = 2_000

/** The interval is halved down to this one, if nothing answers. Shorter timeouts of that kind are not known. */
const SHORTEST_HALF = 5_000

/** When to send PINGREQ, as a fraction of the silence after which a connection is closed. */
const EARLY = 0.75

/** The same timeout shows up as silences that differ by at most this fraction, and this time. */
const TOLERANCE = 0.1
const MOST_TOLERANCE = 1_000

/** After this time the keep alive is tried again, with the next connection. The time doubles with each trial that fails. */
const RETRY_AFTER = 24 * 3_600_000

/**
 * Learns after how much silence something between the client and a server ends connections: a proxy, a load balancer or
 * a NAT. The next connections to this server then send PINGREQ earlier, whatever keep alive they announce.
 *
 * - A proxy closes the connection. Two such closes in a row after about the same silence show its timeout.
 * - A NAT drops packets. If nothing answers after a silence that no connection to this server has survived, and the next
 *   attempt succeeds at once, so that the network is well, half of that silence is tried. If connections have survived it
 *   before, it takes two in a row that did not: one of them may have broken by itself.
 *
 * The way to a server may change, so the keep alive is tried again now and then, but never on a connection that works.
 */
export class IdleTimeouts {
  readonly #time: () => number
  readonly #onLearnt: (learnt: ClientEvents['idleTimeoutLearnt']) => void
  #known: Map<string, Knowledge> | undefined
  /** The end of the last connection, if nothing answered on it, until the next attempt shows that the network is well. */
  #doubt: { readonly server: string; readonly silence: number } | undefined

  constructor(time: () => number, onLearnt: (learnt: ClientEvents['idleTimeoutLearnt']) => void) {
    this.#time = time
    this.#onLearnt = onLearnt
  }

  /**
   * A connection is open.
   *
   * @param keepalive - in milliseconds; 0 if it is off
   * @returns after how much silence PINGREQ has to be sent, in milliseconds; 0 if none has to be
   */
  opened(server: string, keepalive: number): number {
    const doubt = this.#doubt
    this.#doubt = undefined
    const known = this.#known?.get(server)
    if (doubt?.server === server && known) this.#halve(known, doubt.silence)
    if (known?.interval === undefined || (keepalive > 0 && keepalive <= known.interval)) return keepalive
    known.isTrial = this.#time() >= known.retryAt
    return known.isTrial ? keepalive : known.interval
  }

  /** An attempt ended before the CONNACK: the network or the server may be down. */
  attemptFailed(): void {
    this.#doubt = undefined
  }

  /**
   * An open connection ended.
   *
   * @returns whether a known idle timeout was the cause, so that neither the server nor the network is to blame
   */
  ended(server: string, keepalive: number, { how, silence, survived }: Ending): boolean {
    const known = this.#of(server, keepalive)
    const survivedBefore = known.survived
    known.survived = Math.max(known.survived, survived)
    if (survived >= known.doubted) known.unanswered = 0
    // If a silence of that length was survived, the end has another cause.
    const isIdle = how !== 'otherwise' && silence > survived && silence >= SHORTEST_SILENCE
    const { lastClose } = known
    known.lastClose = isIdle && how === 'closed' ? silence : 0
    if (this.#endTrial(known, { how, silence, survived })) return true
    if (!isIdle) return false
    if (how === 'closed') return isAlike(lastClose, silence) && this.#learn(known, Math.min(lastClose, silence))
    known.doubted = silence
    known.unanswered++
    if (known.unanswered > (survivedBefore < silence ? 0 : 1)) this.#doubt = { server, silence }
    return false
  }

  /** @returns whether a trial of the keep alive has just ended by the timeout that was known */
  #endTrial(known: Knowledge, { how, silence, survived }: Ending): boolean {
    if (!known.isTrial) return false
    known.isTrial = false
    const tolerance = toleranceOf(known.silence)
    if (survived > known.silence + tolerance) {
      known.interval = undefined
      known.retryAfter = RETRY_AFTER
      return false
    }
    const isRepeated = how === 'unanswered' ? silence > known.silence - tolerance : isAlike(silence, known.silence)
    if (how === 'otherwise' || !isRepeated) return false
    known.retryAfter *= 2
    known.retryAt = this.#time() + known.retryAfter
    return true
  }

  #learn(known: Knowledge, silence: number): true {
    this.#remember(known, silence, silence * EARLY)
    return true
  }

  #halve(known: Knowledge, silence: number): void {
    const interval = Math.max(SHORTEST_HALF, silence / 2)
    if (interval < (known.interval ?? Number.POSITIVE_INFINITY) && interval < silence) {
      this.#remember(known, silence, interval)
    }
  }

  #remember(known: Knowledge, silence: number, interval: number): void {
    known.silence = Math.round(silence)
    known.interval = Math.ceil(interval)
    known.retryAt = this.#time() + known.retryAfter
    known.lastClose = 0
    this.#onLearnt({ silence: known.silence, keepalive: known.keepalive })
  }

  #of(server: string, keepalive: number): Knowledge {
    this.#known ??= new Map()
    const known = this.#known.get(server) ?? unknown()
    this.#known.set(server, known)
    known.keepalive = keepalive
    return known
  }
}

function unknown(): Knowledge {
  return {
    keepalive: 0,
    silence: 0,
    interval: undefined,
    retryAt: 0,
    retryAfter: RETRY_AFTER,
    isTrial: false,
    lastClose: 0,
    doubted: 0,
    unanswered: 0,
    survived: 0,
  }
}

function isAlike(a: number, b: number): boolean {
  return Math.abs(a - b) <= toleranceOf(Math.min(a, b))
}

/** 5 % of a long silence, and at most a second or a tenth of a short one. */
function toleranceOf(silence: number): number {
  return Math.max(silence * 0.05, Math.min(silence * TOLERANCE, MOST_TOLERANCE))
}
