import { randomUUID } from 'node:crypto'
import { WebSocket } from 'ws'

import { backoffDelay, type BackoffPolicy } from '../machines/policy/backoff.ts'
import { InvalidOptionError } from '../src/api/errors.ts'
import { parseUrl } from '../src/shared/parse-url.ts'
import { parseCommand, perform } from './commands.ts'
import { type ConnectConfig, type ConnectVisualizerOptions, type Inspection, parseConnectOptions } from './options.ts'
import { type FeedMessage, PROTOCOL_VERSION } from './protocol.ts'
import { type Recorded, Recorder } from './record/recorder.ts'
import { Sampler } from './record/sampler.ts'
import { batches, messagesOf, stamp } from './shared/frames.ts'

/** Reports this process's actors to a visualizer elsewhere. */
export interface VisualizerConnection extends Inspection {
  /** How many messages were dropped because the visualizer was unavailable or slow. */
  readonly dropped: number
  /** Sends the queued messages if there is a connection, and closes it. */
  close(): void
}

/** The visualizer may be unavailable for a long time, so the attempts become rare. */
const RECONNECT: BackoffPolicy = { initialDelay: 250, multiplier: 2, maxDelay: 30_000, jitter: 'equal' }
const FLUSH_AFTER = 50
/** How many messages one flush serializes at most: more would slow the app down noticeably. */
const MAX_FLUSHED = 500
const MAX_UNSENT_BYTES = 1024 * 1024
/** In milliseconds. A server that sends no welcome within this time speaks only the protocol of `@statelyai/inspect`. */
const WELCOME_WITHIN = 1_000

/**
 * Reports actors to the visualizer whose address is `url`, or to any server that speaks the protocol of
 * `@statelyai/inspect`. It reconnects automatically, does not keep the process alive, and never blocks: if the visualizer
 * cannot take messages, they are dropped.
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
    close() {
      sampler.stop()
      feed.close()
    },
  }
}

function webSocketUrl(url: string): string {
  const parsed = typeof url === 'string' ? parseUrl(url) : undefined
  if (!parsed || !/^(?:http|ws)s?:$/.test(parsed.protocol)) {
    // The error does not show the URL, which contains the token.
    throw new InvalidOptionError('url', 'must be a string with an http:, https:, ws: or wss: URL')
  }
  parsed.protocol = parsed.protocol.replace('http', 'ws')
  parsed.hash = ''
  return parsed.href
}

/** The other side: no connection, a server not yet known, our server, or a server that speaks only the base protocol. */
type Peer = 'none' | 'unknown' | 'visualizer' | 'plain'

class Feed {
  readonly recorder: Recorder
  dropped = 0
  readonly #url: string
  readonly #options: ConnectConfig
  readonly #feedId = randomUUID()
  #queue: Recorded[] = []
  #peer: Peer = 'none'
  #socket: WebSocket | undefined
  #attempt = 0
  #reportedDropped = 0
  #closed = false
  #flushTimer: NodeJS.Timeout | undefined
  #waitTimer: NodeJS.Timeout | undefined

  constructor(url: string, options: ConnectConfig) {
    this.#url = url
    this.#options = options
    this.recorder = new Recorder({
      allowCommands: options.allowCommands,
      hide: options.hide,
      onRecorded: (recorded) => this.#record(recorded),
    })
    this.#connect()
  }

  close(): void {
    if (this.#closed) return
    this.#flush()
    this.#closed = true
    this.#queue = []
    clearTimeout(this.#flushTimer)
    clearTimeout(this.#waitTimer)
    // Not `terminate`, because the last messages are still being sent.
    this.#socket?.close()
  }

  #record(recorded: Recorded): void {
    if (this.#closed) return
    this.#queue.push(recorded)
    // Cutting copies the queue, so it is not done with every message.
    if (this.#queue.length >= this.#options.buffer * 2) this.#cutQueue()
    if (this.#peer === 'visualizer' || this.#peer === 'plain') this.#schedule()
  }

  #cutQueue(): void {
    const excess = this.#queue.length - this.#options.buffer
    if (excess <= 0) return
    this.dropped += excess
    this.#queue = this.#queue.slice(excess)
  }

  #connect(): void {
    if (this.#closed) return
    const socket = new WebSocket(this.#url, {
      perMessageDeflate: false,
      maxPayload: 64 * 1024,
      handshakeTimeout: 10_000,
      // Unref the socket from the start: a visualizer that does not answer must not keep the process alive either.
      finishRequest: (request) => {
        request.once('socket', (raw) => raw.unref())
        request.end()
      },
    })
    this.#socket = socket
    socket.on('open', () => this.#opened())
    socket.on('message', (data) => this.#frame((data as Buffer).toString()))
    // An error is followed by `close`.
    socket.on('error', () => {})
    socket.on('close', () => this.#lost())
  }

  #opened(): void {
    this.#peer = 'unknown'
    this.#waitTimer = setTimeout(() => this.#isPlain(), WELCOME_WITHIN).unref()
  }

  #lost(): void {
    this.#socket = undefined
    this.#peer = 'none'
    clearTimeout(this.#waitTimer)
    clearTimeout(this.#flushTimer)
    this.#flushTimer = undefined
    if (this.#closed) return
    this.#attempt += 1
    const delay = backoffDelay(RECONNECT, this.#attempt, Math.random)
    this.#waitTimer = setTimeout(() => this.#connect(), delay).unref()
  }

  #frame(frame: string): void {
    for (const message of messagesOf(frame)) {
      if (message.type === '@xstate-mqtt.welcome') this.#welcomed()
      if (message.type === '@statelyai.connected') this.#replay()
      if (message.type === '@xstate-mqtt.command') {
        const request = parseCommand(message)
        const isResult = request.type === '@xstate-mqtt.command-result'
        this.#send([isResult ? request : perform(this.recorder, this.#options.allowCommands, request)])
      }
    }
  }

  #welcomed(): void {
    clearTimeout(this.#waitTimer)
    this.#attempt = 0
    this.#peer = 'visualizer'
    const { name } = this.#options
    const actors = Array.from(this.recorder.actors, ({ sessionId }) => sessionId)
    const hello = { version: PROTOCOL_VERSION, feedId: this.#feedId, name, pid: process.pid, actors } as const
    this.#send([{ type: '@xstate-mqtt.hello', ...stamp(), ...hello }])
    // The replay contains all live actors in their current state.
    this.#queue = this.#queue.filter(
      ({ type, sessionId }) => type !== '@xstate.actor' || !this.recorder.actor(sessionId),
    )
    this.#replay()
    this.#schedule()
  }

  #isPlain(): void {
    this.#attempt = 0
    this.#peer = 'plain'
    this.#replay()
    this.#schedule()
  }

  #replay(): void {
    this.#send(this.recorder.replay())
  }

  #schedule(): void {
    this.#flushTimer ??= setTimeout(() => this.#flush(), FLUSH_AFTER).unref()
  }

  #flush(): void {
    clearTimeout(this.#flushTimer)
    this.#flushTimer = undefined
    if (this.#peer === 'none' || this.#peer === 'unknown') return
    this.#cutQueue()
    if ((this.#socket?.bufferedAmount ?? 0) < MAX_UNSENT_BYTES) {
      const flushed = this.#queue.splice(0, MAX_FLUSHED)
      this.#send(flushed.map((recorded) => recorded.read()))
      this.#reportDropped()
    }
    if (this.#queue.length > 0) this.#schedule()
  }

  #reportDropped(): void {
    if (this.dropped === this.#reportedDropped) return
    this.#reportedDropped = this.dropped
    this.#send([{ type: '@xstate-mqtt.dropped', ...stamp(), dropped: this.dropped }])
  }

  #send(messages: readonly FeedMessage[]): void {
    const socket = this.#socket
    if (socket?.readyState !== WebSocket.OPEN) return
    const frames =
      this.#peer === 'visualizer'
        ? batches(messages.map((message) => JSON.stringify(message)))
        : messages.filter(({ type }) => type.startsWith('@xstate.')).map((message) => JSON.stringify(message))
    for (const frame of frames) socket.send(frame, () => {})
  }
}
