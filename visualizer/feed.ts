import { randomUUID } from 'node:crypto'
import { WebSocket } from 'ws'

import { backoffDelay, type BackoffPolicy } from '../machines/policy/backoff.ts'
import { parseCommand, perform } from './commands.ts'
import { closedProblem, problemOf, refusalOf } from './feed-problem.ts'
import { type FeedProblem, FeedStatusSource } from './feed-status.ts'
import type { ConnectConfig } from './options.ts'
import { type FeedMessage, PROTOCOL_VERSION } from './protocol.ts'
import { Backlog } from './record/backlog.ts'
import type { Recorded } from './record/recorded.ts'
import { Recorder } from './record/recorder.ts'
import { batches, messagesOf, stamp } from './shared/frames.ts'

/** The visualizer may be unavailable for a long time, so the attempts become rare. */
const RECONNECT: BackoffPolicy = { initialDelay: 250, multiplier: 2, maxDelay: 30_000, jitter: 'equal' }
const FLUSH_AFTER = 50
/** How many messages one flush serializes at most: more would slow the app down noticeably. */
const MAX_FLUSHED = 500
const MAX_UNSENT_BYTES = 1024 * 1024
/** In milliseconds. A server that sends no welcome within this time speaks only the protocol of `@statelyai/inspect`. */
const WELCOME_WITHIN = 1_000

/** The other side: no connection, a server not yet known, our server, or a server that speaks only the base protocol. */
type Peer = 'none' | 'unknown' | 'visualizer' | 'plain'

/** The connection of this process to a visualizer, and what waits for it. */
export class Feed {
  readonly recorder: Recorder
  readonly status = new FeedStatusSource()
  readonly #url: string
  readonly #options: ConnectConfig
  readonly #feedId = randomUUID()
  readonly #queue: Backlog<Recorded>
  #peer: Peer = 'none'
  #socket: WebSocket | undefined
  /** Why the socket is about to close. */
  #problem: FeedProblem | undefined
  #attempt = 0
  #reportedDropped = 0
  #closed = false
  #flushTimer: NodeJS.Timeout | undefined
  #waitTimer: NodeJS.Timeout | undefined

  constructor(url: string, options: ConnectConfig) {
    this.#url = url
    this.#options = options
    this.#queue = new Backlog(options.buffer, ({ sessionId, ...facts }) => ({ key: sessionId, ...facts }))
    this.recorder = new Recorder({
      allowCommands: options.allowCommands,
      hide: options.hide,
      onRecorded: (recorded) => this.#record(recorded),
    })
    this.#connect()
  }

  /** How many messages were dropped. */
  get dropped(): number {
    return this.#queue.dropped
  }

  /** How many of them changed the state of an actor. */
  get droppedTransitions(): number {
    return this.#queue.droppedTransitions
  }

  close(): void {
    if (this.#closed) return
    this.#flush()
    this.#closed = true
    this.#queue.clear()
    clearTimeout(this.#flushTimer)
    clearTimeout(this.#waitTimer)
    // Not `terminate`, because the last messages are still being sent.
    this.#socket?.close()
    this.status.closed()
  }

  #record(recorded: Recorded): void {
    if (this.#closed) return
    this.#queue.push(recorded)
    if (this.#peer === 'visualizer' || this.#peer === 'plain') this.#schedule()
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
    socket.on('error', (error) => (this.#problem ??= problemOf(error)))
    socket.on('unexpected-response', (_request, response) => {
      void refusalOf(response).then((problem) => {
        this.#problem = problem
        socket.terminate()
      })
    })
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
    this.#waitTimer = setTimeout(() => {
      this.status.connecting()
      this.#connect()
    }, delay).unref()
    this.status.waiting(this.#problem ?? closedProblem, delay)
    this.#problem = undefined
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
    this.#queue.remove(
      ({ type, sessionId }) => type === '@xstate.actor' && this.recorder.actor(sessionId) !== undefined,
    )
    this.#replay()
    this.#schedule()
    this.status.connected()
  }

  #isPlain(): void {
    this.#attempt = 0
    this.#peer = 'plain'
    this.#replay()
    this.#schedule()
    this.status.connected()
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
    if ((this.#socket?.bufferedAmount ?? 0) < MAX_UNSENT_BYTES) {
      const flushed = this.#queue.takeWhile((_, taken) => taken < MAX_FLUSHED)
      this.#send(flushed.map((recorded) => recorded.read()))
      this.#reportDropped()
    }
    if (this.#queue.length > 0) this.#schedule()
  }

  #reportDropped(): void {
    const { dropped, droppedTransitions } = this
    if (dropped === this.#reportedDropped) return
    this.#reportedDropped = dropped
    this.#send([{ type: '@xstate-mqtt.dropped', ...stamp(), dropped, droppedTransitions }])
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
