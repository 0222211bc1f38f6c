import { InvalidOptionError } from '../src/api/errors.ts'
import { parseUrl } from '../src/shared/parse-url.ts'
import type { FeedEvents, FeedStatus } from './feed-status.ts'
import { Feed } from './feed.ts'
import { type ConnectVisualizerOptions, type Inspection, parseConnectOptions } from './options.ts'
import { Sampler } from './record/sampler.ts'

/** Reports this process's actors to a visualizer elsewhere. */
export interface VisualizerConnection extends Inspection {
  /** How many messages were dropped because the visualizer was unavailable or slow. */
  readonly dropped: number
  /** How many of them changed the state of an actor. The page misses these; the others would only have shown more details. */
  readonly droppedTransitions: number
  /** Whether there is a connection to the visualizer, and if not, why. */
  readonly status: FeedStatus
  /**
   * Calls a handler for each event. An error in a handler is ignored.
   *
   * @returns removes the handler
   */
  on<Name extends keyof FeedEvents>(name: Name, handler: (event: FeedEvents[Name]) => unknown): () => void
  /** Sends the queued messages if there is a connection, and closes it. */
  close(): void
}

/**
 * Reports actors to the visualizer whose address is `url`, or to any server that speaks the protocol of
 * `@statelyai/inspect`. It reconnects automatically, does not keep the process alive, and never blocks: if the visualizer
 * cannot take messages, they are dropped, changes of state last. `status` tells why there is no connection.
 *
 * @throws {InvalidOptionError} if the URL or an option is wrong
 */
export function connectVisualizer(url: string, options: ConnectVisualizerOptions = {}): VisualizerConnection {
  const feed = new Feed(webSocketUrl(url), parseConnectOptions(options))
  const sampler = new Sampler(feed.recorder)
  return {
    inspect: feed.recorder.inspect,
    watch: (actor, sample) => sampler.watch(actor, sample),
    get dropped() {
      return feed.dropped
    },
    get droppedTransitions() {
      return feed.droppedTransitions
    },
    get status() {
      return feed.status.current
    },
    on: (name, handler) => feed.status.on(name, handler),
    close() {
      sampler.stop()
      feed.close()
    },
  }
}

function webSocketUrl(url: string): string {
  const parsed = typeof url === 'string' ? parseUrl(url) : undefined
  if (!parsed || !/^(?:http|ws)s?:$/.test(parsed.protocol)) {
    // The error does not show what may be a URL, which contains the token.
    const isSecret = url !== '' && (typeof url === 'string' || typeof url === 'symbol')
    const shown = isSecret ? undefined : url
    throw new InvalidOptionError('url', 'must be a string with an http:, https:, ws: or wss: URL', shown)
  }
  parsed.protocol = parsed.protocol.replace('http', 'ws')
  parsed.hash = ''
  return parsed.href
}
