import { defaultSubscriptions } from '../../config/defaults.ts'
import { documentedBatchSize } from '../../config/known-servers.ts'

/** What is known of a server that closed the connection on many filters. */
interface Learnt {
  /** How many filters go into one packet. */
  size: number
  /** The fewest filters on which it closed the connection. */
  refused: number
  /** When it last did so, in milliseconds. */
  at: number
  /** The most filters that it has answered. */
  answered: number
  /**
   * The close may have had another cause. So the size stays `assumed` for a while, and is then `tested` once with as many
   * filters as were refused. If the connection is closed again, the limit is `proven`.
   */
  evidence: 'assumed' | 'tested' | 'proven'
}

/** How long a limit is assumed before it is tested, in milliseconds. The test may cost a connection. */
const ASSUMED_FOR = 3_600_000

export interface BatchSizesOptions {
  /** The option `subscriptions.batchSize`, if the application has set it. */
  readonly batchSize: number | undefined
  /** In milliseconds. */
  readonly time: () => number
}

/**
 * How many topic filters go into one SUBSCRIBE or UNSUBSCRIBE. Some servers close the connection on more than a few, and
 * MQTT has no way to announce such a limit. It is found by halving, and remembered for each server.
 */
export class BatchSizes {
  readonly #options: BatchSizesOptions
  #server = ''
  /** The most filters that this server has answered. */
  #answered = 0
  #learnt: Learnt | undefined
  #byServer: Map<string, Learnt> | undefined
  #isBlamed = false

  constructor(options: BatchSizesOptions) {
    this.#options = options
  }

  /** How many filters go into one packet to this server. */
  get size(): number {
    return this.#learnt?.size ?? this.#usual
  }

  /** Whether the number of filters may be the cause of the last close, so that fewer may be answered. */
  get isBlamed(): boolean {
    return this.#isBlamed
  }

  attached(server: string): void {
    if (server !== this.#server) {
      this.#server = server
      this.#learnt = this.#byServer?.get(server)
      this.#answered = this.#learnt?.answered ?? 0
    }
    const learnt = this.#learnt
    if (learnt?.evidence !== 'assumed' || this.#options.time() - learnt.at < ASSUMED_FOR) return
    learnt.size = learnt.refused
    learnt.evidence = 'tested'
  }

  /** The server answered a packet with that many filters. */
  answered(count: number): void {
    if (count <= this.#answered) return
    this.#answered = count
    if (!this.#learnt) return
    this.#learnt.answered = count
    if (count >= this.#learnt.refused) this.#forget()
  }

  /** The connection ended while that many filters of one packet were unanswered. */
  closed(count: number): void {
    if (count === 0) return
    this.#isBlamed = count > Math.max(1, this.#answered)
    if (!this.#isBlamed) return
    const size = Math.max(this.#answered, half(count))
    const at = this.#options.time()
    const refused = Math.min(count, this.#learnt?.refused ?? count)
    const wasTested = this.#learnt !== undefined && this.#learnt.evidence !== 'assumed'
    const evidence = wasTested ? 'proven' : 'assumed'
    this.#learnt = { size, refused, at, answered: this.#answered, evidence }
    this.#byServer ??= new Map()
    this.#byServer.set(this.#server, this.#learnt)
  }

  /** A single filter was the cause of the last closes, and not the number of filters. */
  exonerate(): void {
    this.#isBlamed = false
    const learnt = this.#learnt
    if (learnt?.evidence === 'assumed' && this.#answered < learnt.size) this.#forget()
  }

  get #usual(): number {
    return this.#options.batchSize ?? documentedBatchSize(this.#server) ?? defaultSubscriptions.batchSize
  }

  #forget(): void {
    this.#learnt = undefined
    this.#byServer?.delete(this.#server)
  }
}

/** The largest power of two that is at most half as large. Limits of servers are often powers of two. */
function half(count: number): number {
  return 2 ** Math.floor(Math.log2(count / 2))
}
