import type { Failure } from '../../machines/failure.ts'
import type { Clock } from '../api/clock.ts'
import { AwaitedAnswer } from './awaited-answer.ts'
import { type Ending, type IdleTimeouts, SHORTEST_SILENCE } from './idle-timeouts.ts'
import { KeepAlive, type KeepAlivePort } from './keep-alive.ts'
import { Line } from './line.ts'
import type { AnySocket } from './traffic.ts'

export interface LivenessOptions {
  readonly clock: Clock
  /** Monotonic time in milliseconds. */
  readonly time: () => number
  /** How long the answer to a PINGREQ may take after a WAKE, in milliseconds. */
  readonly probeTimeout: number
}

export interface LivenessPort {
  /** Sends PINGREQ. */
  pingreq(): void
  fail(failure: Failure): void
}

/** The other end of an open connection. */
export interface Peer {
  readonly server: string
  /** Whether a PINGRESP is awaited. */
  readonly isPinging: boolean
  /** Whether any answer is awaited. */
  isAwaitingAnswer(): boolean
}

/** Failures of a socket that something between client and server may cause, by sending an RST. */
const RESETS = new Set(['ECONNRESET', 'EPIPE'])

/** A silence that is longer than the interval by this factor was not ended in time: the machine slept, or was busy. */
const OVERSLEPT = 1.25

/** At least this long, or half of the keep alive, the answer to an early PINGREQ may take. In milliseconds. */
const PATIENCE = 10_000

/** Finds out whether one connection lives, keeps it alive, and says how it ended. */
export class Liveness implements KeepAlivePort {
  readonly line: Line
  /** The socket below the connection, once there is one. */
  socket: AnySocket | undefined
  readonly #options: LivenessOptions
  readonly #idleTimeouts: IdleTimeouts
  readonly #port: LivenessPort
  readonly #startedAt: number
  /** How long the server took to answer the CONNECT. */
  #roundTrip = 0
  /** Known from the CONNACK on. */
  #peer: Peer | undefined
  /** In milliseconds; 0 if it is off. */
  #announced = 0
  /** After how much silence PINGREQ is sent, in milliseconds; 0 if it is off. */
  #interval = 0
  #keepAlive: KeepAlive | undefined
  #probed: AwaitedAnswer | undefined

  constructor(options: LivenessOptions, idleTimeouts: IdleTimeouts, port: LivenessPort) {
    this.#options = options
    this.#idleTimeouts = idleTimeouts
    this.#port = port
    this.#startedAt = options.time()
    this.line = new Line(options.time, () => this.socket)
  }

  /** The CONNACK arrived. @param keepalive - in milliseconds; 0 if it is off */
  accepted(peer: Peer, keepalive: number): void {
    const { clock, time } = this.#options
    this.#roundTrip = time() - this.#startedAt
    this.#peer = peer
    this.#announced = keepalive
    const interval = this.#idleTimeouts.opened(peer.server, keepalive)
    this.#interval = interval
    if (interval === 0) return
    const limit = Math.max(interval / 2, Math.min(keepalive / 2, PATIENCE))
    this.#keepAlive = new KeepAlive({ clock, line: this.line, interval, limit, port: this })
  }

  /** Something arrived. */
  heard(bytes = 0): void {
    this.line.heard(bytes)
    this.#keepAlive?.heard()
    this.#probed?.end()
  }

  /** Sends PINGREQ. The connection fails if the answer is late. */
  probe(): void {
    if (this.#probed?.isAwaited) return
    const { clock, probeTimeout: limit } = this.#options
    const onLate = () => this.#port.fail({ kind: 'timeout', phase: 'probe' })
    this.#probed ??= new AwaitedAnswer({ clock, line: this.line, limit, onLate })
    this.#probed.begin(() => this.#port.pingreq())
  }

  pingreq(): void {
    this.#port.pingreq()
  }

  silent(): void {
    this.#port.fail({ kind: 'keepalive' })
  }

  /** Adds to a failure after how much silence the server closed the connection, if it was silent. */
  explained(failure: Failure): Failure {
    if (failure.kind !== 'closed' || !this.#peer) return failure
    const { how, silence } = this.#ending(failure, this.#peer)
    if (how !== 'closed' || silence < SHORTEST_SILENCE) return failure
    return { ...failure, silence: Math.round(silence), keepalive: this.#announced }
  }

  /**
   * The connection or the attempt ended. Called before the session is told.
   *
   * @param failure - `undefined` if we closed it
   * @returns whether something that closes idle connections is known to be the cause
   */
  ended(failure: Failure | undefined): boolean {
    this.#keepAlive?.stop()
    this.#probed?.end()
    const peer = this.#peer
    if (peer) return this.#idleTimeouts.ended(peer.server, this.#announced, this.#ending(failure, peer))
    this.#idleTimeouts.attemptFailed()
    return false
  }

  #ending(failure: Failure | undefined, peer: Peer): Ending {
    const { silence, unansweredSilence, survivedSilence: survived } = this.line
    const how = howEnded(failure, peer)
    const relevant = how === 'unanswered' ? unansweredSilence : silence
    const isOwn = this.#interval === 0 || relevant <= this.#interval * OVERSLEPT
    // A close that comes sooner may be an answer to what was sent.
    return { how: isOwn && relevant > this.#roundTrip ? how : 'otherwise', silence: relevant, survived }
  }
}

function howEnded(failure: Failure | undefined, peer: Peer): Ending['how'] {
  if (failure?.kind === 'keepalive') return 'unanswered'
  const isClosed = failure?.kind === 'closed' || (failure?.kind === 'socket' && RESETS.has(failure.code ?? ''))
  if (!isClosed) return 'otherwise'
  if (peer.isPinging) return 'unanswered'
  return peer.isAwaitingAnswer() ? 'otherwise' : 'closed'
}
