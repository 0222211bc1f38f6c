import type { WebSocket } from 'ws'

import type { DroppedMessage, ServerMessage } from '../protocol.ts'
import { Backlog } from '../record/backlog.ts'
import type { Entry } from '../record/history.ts'
import { batches, stamp } from '../shared/frames.ts'

/** How many messages that change no state wait for a viewer at most. */
const MAX_PENDING = 5_000
const MAX_FLUSHED_BYTES = 4 * 1024 * 1024
/** A page with more unread bytes gets no more for a while. Meanwhile its backlog drops what matters least. */
const WINDOW = 1024 * 1024

/** One viewer, and what waits for it. A page reads at its own pace; other viewers are not asked how fast they are. */
export class Viewer {
  readonly socket: WebSocket
  /** Whether it speaks only the protocol of `@statelyai/inspect`: one message a frame, no extensions. */
  readonly plain: boolean
  readonly #backlog = new Backlog<Entry>(MAX_PENDING, ({ type, moves, stopped, actor: { key, kind, main } }) => ({
    type,
    moves,
    stopped,
    key,
    kind,
    main,
  }))
  /** The frames of a replay. Live messages wait until they are sent. */
  #replay: string[] = []
  readonly #notices: string[] = []
  #reported = 0

  constructor(socket: WebSocket, plain: boolean) {
    this.socket = socket
    this.plain = plain
  }

  /** Whether something waits for it. */
  get waits(): boolean {
    return this.#replay.length + this.#notices.length + this.#backlog.length > 0
  }

  /** Sends what it must get before everything else. */
  welcome(message: ServerMessage): void {
    this.#send(JSON.stringify(message))
  }

  /** Replaces a replay that is still being sent. @param messages - as JSON */
  replay(messages: readonly string[]): void {
    this.#replay = this.plain ? [...messages] : batches(messages)
    this.flush()
  }

  push(entry: Entry): void {
    if (!this.plain || isInspectionType(entry.type)) this.#backlog.push(entry)
  }

  /** Adds a message that is not part of the history. @param message - as JSON */
  notify(message: string): void {
    if (!this.plain) this.#notices.push(message)
  }

  /** Sends what it is ready to read. The rest waits for the next call. */
  flush(): void {
    while (this.#replay.length > 0) {
      if (!this.#isReady) return
      this.#send(this.#replay.shift() ?? '')
    }
    if (!this.#isReady || !this.waits) return
    let bytes = 0
    const entries = this.#backlog.takeWhile(({ text }, taken) => {
      bytes += text.length
      return taken === 0 || bytes <= MAX_FLUSHED_BYTES
    })
    const texts = entries.map(({ text }) => text)
    const notices = this.#takeNotices()
    for (const frame of this.plain ? texts : batches([...notices, ...texts])) this.#send(frame)
  }

  get #isReady(): boolean {
    return this.plain || this.socket.bufferedAmount < WINDOW
  }

  #takeNotices(): readonly string[] {
    const { dropped, droppedTransitions } = this.#backlog
    if (dropped !== this.#reported) {
      this.#reported = dropped
      const message: DroppedMessage = { type: '@xstate-mqtt.dropped', ...stamp(), dropped, droppedTransitions }
      this.notify(JSON.stringify(message))
    }
    return this.#notices.splice(0)
  }

  #send(frame: string): void {
    if (this.socket.readyState === this.socket.OPEN) this.socket.send(frame, ignore)
  }
}

export function isInspectionType(type: string): boolean {
  return type.startsWith('@xstate.')
}

/** Ignores send errors: a socket that fails also closes, and that is handled. */
function ignore(): void {}
