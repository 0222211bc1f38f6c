import type { WebSocket } from 'ws'

import type { DroppedMessage, LiveMessage, ServerMessage } from '../protocol.ts'
import type { Entry, History } from '../record/history.ts'
import { batches, stamp } from '../shared/frames.ts'

/** In milliseconds. With 20 frames a second the page looks live, and even a thousand events a second cost little. */
const FLUSH_AFTER = 50
/** How many messages wait for the next flush at most. A page cannot show more in that time. */
const MAX_PENDING = 5_000
const MAX_FLUSHED_BYTES = 4 * 1024 * 1024

export interface Viewer {
  readonly socket: WebSocket
  /** Whether it speaks only the protocol of `@statelyai/inspect`: one message a frame, no extensions. */
  readonly plain: boolean
}

/** All viewers. They get messages at the same time, and a slow viewer does not delay the others. */
export class Viewers {
  readonly #history: History
  readonly #maxUnreadBytes: number
  readonly #viewers = new Set<Viewer>()
  #pending: Entry[] = []
  #notices: string[] = []
  #timer: NodeJS.Timeout | undefined
  #dropped = 0

  /** @param maxUnreadBytes - a viewer with more unread bytes is disconnected */
  constructor(history: History, maxUnreadBytes: number) {
    this.#history = history
    this.#maxUnreadBytes = maxUnreadBytes
  }

  /** @param introduction - the messages that the viewer gets before the replay */
  add(viewer: Viewer, introduction: readonly ServerMessage[]): void {
    this.#flush()
    if (viewer.plain) {
      this.#replay(viewer, [])
      this.#viewers.add(viewer)
    } else {
      const [welcome, ...rest] = introduction
      this.#send(viewer, JSON.stringify(welcome))
      this.#viewers.add(viewer)
      this.#replay(viewer, rest)
    }
  }

  /** Sends the history again to a viewer that asked for it. */
  replay(viewer: Viewer, introduction: readonly ServerMessage[]): void {
    this.#flush()
    this.#replay(viewer, introduction)
  }

  remove(viewer: Viewer): void {
    this.#viewers.delete(viewer)
  }

  added(entry: Entry): void {
    if (this.#viewers.size === 0) return
    this.#pending.push(entry)
    if (this.#pending.length > MAX_PENDING * 2) this.#dropPending()
    this.#schedule()
  }

  /** Sends messages that are not part of the history. */
  notify(message: ServerMessage): void {
    if (this.#viewers.size === 0) return
    this.#notices.push(JSON.stringify(message))
    this.#schedule()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const { socket } of this.#viewers) socket.terminate()
    this.#viewers.clear()
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_AFTER).unref()
  }

  #dropPending(): void {
    this.#dropped += this.#pending.length - MAX_PENDING
    this.#pending = this.#pending.slice(-MAX_PENDING)
    this.#notices.push(JSON.stringify(this.#droppedMessage()))
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#pending.length > MAX_PENDING) this.#dropPending()
    const notices = this.#notices
    this.#notices = []
    const entries = this.#take()
    this.#dropSlow()
    if (this.#viewers.size === 0 || entries.length + notices.length === 0) return
    let frames: readonly string[] | undefined
    for (const viewer of this.#viewers) {
      if (viewer.plain) this.#sendPlain(viewer, entries)
      else this.#sendAll(viewer, (frames ??= batches([...notices, ...entries.map(({ text }) => text)])))
    }
  }

  /** Takes as many messages as may be sent at once. The rest follows with the next flush. */
  #take(): readonly Entry[] {
    let bytes = 0
    const end = this.#pending.findIndex(({ text }) => (bytes += text.length) > MAX_FLUSHED_BYTES)
    const entries = this.#pending.splice(0, end === -1 ? this.#pending.length : end + 1)
    if (this.#pending.length > 0) this.#schedule()
    return entries
  }

  #dropSlow(): void {
    for (const viewer of this.#viewers) {
      if (viewer.socket.bufferedAmount <= this.#maxUnreadBytes) continue
      this.#viewers.delete(viewer)
      viewer.socket.terminate()
    }
  }

  #replay(viewer: Viewer, introduction: readonly ServerMessage[]): void {
    const { actors, entries } = this.#history.replay()
    if (viewer.plain) {
      this.#sendAll(viewer, actors.filter(isInspection))
      return this.#sendPlain(viewer, entries)
    }
    const live: LiveMessage = {
      type: '@xstate-mqtt.live',
      ...stamp(),
      replayed: entries.length,
      forgotten: this.#history.forgotten,
    }
    const messages = [...introduction.map((message) => JSON.stringify(message)), ...actors]
    this.#sendAll(viewer, batches([...messages, ...entries.map(({ text }) => text), JSON.stringify(live)]))
  }

  #sendPlain(viewer: Viewer, entries: readonly Entry[]): void {
    for (const { type, text } of entries) if (isInspectionType(type)) this.#send(viewer, text)
  }

  #sendAll(viewer: Viewer, frames: readonly string[]): void {
    for (const frame of frames) this.#send(viewer, frame)
  }

  #send({ socket }: Viewer, frame: string): void {
    if (socket.readyState === socket.OPEN) socket.send(frame, ignore)
  }

  #droppedMessage(): DroppedMessage {
    return { type: '@xstate-mqtt.dropped', ...stamp(), dropped: this.#dropped }
  }
}

function isInspectionType(type: string): boolean {
  return type.startsWith('@xstate.')
}

function isInspection(text: string): boolean {
  return text.startsWith('{"type":"@xstate.')
}

/** Ignores send errors: a socket that fails also closes, and that is handled. */
function ignore(): void {}
