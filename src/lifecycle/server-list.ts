import type { ServerChosen, TransportInput } from '../../machines/connection/types.ts'
import {
  defaultFailover,
  goesToMoved,
  knownServers,
  type ListedServer,
  pickServer,
} from '../../machines/policy/servers.ts'
import { TimeoutError } from '../api/errors.ts'
import type { ClientConfig, ServerConfig } from '../config/client-config.ts'
import { defaultServer } from '../config/defaults.ts'
import { parseServerList } from '../config/server-urls.ts'
import { serverName, serverUrl } from '../mqtt/server-url.ts'

/** The server of an attempt. */
export interface ChosenServer {
  /** Its URL, with its secrets. */
  readonly url: string
  /** What the machine learns about the choice. */
  readonly choice: ServerChosen
}

type ServerListConfig = Pick<
  ClientConfig,
  'servers' | 'evaluateOptions' | 'machine' | 'timeouts' | 'clock' | 'now' | 'random'
>

/**
 * The servers of a client. A function that returns them is called for each recreated client, for each attempt if the
 * application wants that, and after `forget`.
 */
export class ServerList {
  readonly #config: ServerListConfig
  readonly #onError: (error: unknown) => void
  #known: readonly ServerConfig[] | undefined
  /** The generation of the client that they were evaluated for; `undefined` if they are to be evaluated anew. */
  #knownFor: number | undefined
  /** Numbers of the calls of the function. An answer that comes late does not replace that of a later call. */
  #calls = 0
  #answered = 0
  /** Leaves no timer behind. */
  #stopWaiting: (() => void) | undefined

  /** @param onError - gets the error of the function if the servers that it returned before are used instead */
  constructor(config: ServerListConfig, onError: (error: unknown) => void) {
    this.#config = config
    this.#onError = onError
  }

  /** The servers of the last attempt, or those that the application has given; none if only the function knows them. */
  get known(): readonly ServerConfig[] {
    const { servers } = this.#config
    return typeof servers === 'object' ? servers : (this.#known ?? [])
  }

  /** The next attempt calls the function. Called when no attempt is under way. */
  forget(): void {
    this.#knownFor = undefined
    this.#stopWaiting?.()
  }

  /**
   * Returns the servers; `undefined` if the application gives them by a `url`.
   *
   * @throws what the function throws, and {InvalidOptionError} if its result is wrong, unless earlier servers are known
   */
  evaluate({ generation, failure }: TransportInput): Evaluated | Promise<Evaluated> {
    const { servers, evaluateOptions } = this.#config
    if (typeof servers !== 'function') return servers
    if (this.#known && evaluateOptions === 'per-client' && this.#knownFor === generation) return this.#known
    return this.#call(servers, { generation, failure })
  }

  /**
   * Chooses the server of an attempt.
   *
   * @param servers - the servers, or the URLs if there are none
   * @param isDraining - whether publishes are in flight. A planned replacement stays with its server then: another one may not
   *   have the session
   */
  choose(servers: readonly ServerConfig[], input: TransportInput, isDraining: boolean): ChosenServer {
    const { now, random, machine } = this.#config
    const { index, redirect, current } = input.server
    const listed = namesOf(servers)
    const policy = { ...defaultFailover, ...machine.failover }
    const planned = isDraining ? 'none' : 'better'
    const leavesFor = input.replaces ? planned : 'cooling'
    const query = { policy, index, current, leavesFor, now: now(), random } as const
    const known = knownServers(listed, input.servers)
    // A redirect keeps scheme and path of the entry that it came from.
    const redirected = redirect !== null && known.find(({ server }) => server === current)
    const picked = redirected ? { server: redirected, servers: known } : pickServer(known, query)
    const { server } = picked
    const moved = redirect === null && goesToMoved(server)
    const entry = servers[listed.findIndex((each) => each.server === server.server)]
    const url = serverUrl(entry?.url ?? '', moved ? server.movedTo : redirect)
    const choice = { type: 'server.chosen', current: server.server, address: serverName(url), moved } as const
    return { url, choice: { ...choice, servers: picked.servers } }
  }

  async #call(
    source: Extract<ClientConfig['servers'], (...args: never[]) => unknown>,
    request: Pick<TransportInput, 'generation' | 'failure'>,
  ): Promise<readonly ServerConfig[]> {
    const call = ++this.#calls
    try {
      const servers = parseServerList('servers()', await this.#bounded(Promise.resolve(source(request))))
      if (call < this.#answered) return servers
      this.#answered = call
      this.#known = servers
      this.#knownFor = request.generation
      return servers
    } catch (error) {
      if (!this.#known) throw error
      this.#onError(error)
      return this.#known
    }
  }

  /** If servers are known, a function that does not answer must leave time to connect to them. */
  #bounded<Answer>(answer: Promise<Answer>): Promise<Answer> {
    if (!this.#known) return answer
    const { clock, timeouts } = this.#config
    const limit = timeouts.connectTimeout / 2
    this.#stopWaiting?.()
    return new Promise((resolve, reject) => {
      const timer = clock.setTimeout(() => reject(new TimeoutError('the function servers', limit)), limit)
      const stop = () => clock.clearTimeout(timer)
      this.#stopWaiting = stop
      answer.then(resolve, reject).finally(stop)
    })
  }
}

type Evaluated = readonly ServerConfig[] | undefined

/** URLs as servers with the same priority. */
export function equalServers(urls: readonly string[]): readonly ServerConfig[] {
  return urls.map((url) => ({ ...defaultServer, url }))
}

/** What the machine may see of the servers. Those with the same scheme, host and port are told apart by a number. */
function namesOf(servers: readonly ServerConfig[]): ListedServer[] {
  const seen = new Map<string, number>()
  return servers.map(({ url, priority, weight }) => {
    const name = serverName(url)
    const n = (seen.get(name) ?? 0) + 1
    seen.set(name, n)
    return { server: n === 1 ? name : `${name} (${n})`, priority, weight }
  })
}
