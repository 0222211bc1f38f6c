import type { Failure } from '../../machines/failure.ts'

/** One of several servers. */
export interface ServerOptions {
  /** `mqtt:`, `mqtts:`, `ws:` or `wss:`. */
  readonly url: string
  /**
   * Servers with a lower number are preferred, as in DNS SRV (RFC 2782): 0 to 65535.
   *
   * @default 0
   */
  readonly priority?: number
  /**
   * With `failover.selection: 'weighted'`, the share of this server among those with the same priority: 0 to 65535. A server
   * with the weight 0 is used only if no other one with its priority is available.
   *
   * @default 1
   */
  readonly weight?: number
}

/** A list of servers. A text is short for `{ url }`. */
export type ServerList = readonly (string | ServerOptions)[]

/**
 * Returns the servers. Called for each recreated client and when connecting starts over, or with
 * `evaluateOptions: 'per-attempt'` for each attempt.
 *
 * @param request.generation - counts up with each recreated client, from 1
 * @param request.failure - why the last connection or attempt ended; `null` before the first failure
 */
export type ServersSource = (request: {
  readonly generation: number
  readonly failure: Failure | null
}) => ServerList | Promise<ServerList>

/** How one of several `servers` is chosen. Durations are in milliseconds. */
export interface FailoverOptions {
  /**
   * Which server is chosen of those with the best priority that do not cool down: the first one of the list, or a random one
   * in proportion to the weights.
   *
   * @default 'ordered'
   */
  readonly selection?: 'ordered' | 'weighted'
  /**
   * How long a stable connection must have been open before the client returns to a server with better priority, whose cool-down
   * must be over. It then waits for a quiet moment: the outbox is empty, nothing is in flight, and no handler is at work. The
   * time is up to half longer, so that the clients of an outage do not all return at once. A planned renewal of credentials
   * leads to the better server without this wait, unless publishes are in flight. `Infinity` leaves it at that.
   *
   * @default 300_000
   */
  readonly failBackAfter?: number
  /**
   * How long other servers are preferred to one that refused the connection, closed it before it was stable, was silent, or
   * was slow. It doubles with each failure in a row.
   *
   * @default 30_000
   */
  readonly coolDown?: number
  /** The longest cool-down. @default 900_000 */
  readonly maxCoolDown?: number
  /** A server that takes longer to open a connection counts as slow. @default 10_000 */
  readonly slowAfter?: number
}
