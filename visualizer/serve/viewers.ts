import type { AliveMessage, LiveMessage, ServerMessage } from '../protocol.ts'
import type { Entry, History } from '../record/history.ts'
import { stamp } from '../shared/frames.ts'
import { isInspectionType, type Viewer } from './viewer.ts'

/** In milliseconds. With 20 frames a second the page looks live, and even a thousand events a second cost little. */
const FLUSH_AFTER = 50
/** In milliseconds. A page that hears nothing for longer tells its reader so. */
const ALIVE_EVERY = 5_000

/** All viewers. They get messages at the same time, and a slow viewer does not delay the others. */
export class Viewers {
  readonly #history: History
  readonly #maxUnreadBytes: number
  readonly #viewers = new Set<Viewer>()
  readonly #alive: NodeJS.Timeout
  #timer: NodeJS.Timeout | undefined

  /** @param maxUnreadBytes - a viewer with more unread bytes is disconnected */
  constructor(history: History, maxUnreadBytes: number) {
    this.#history = history
    this.#maxUnreadBytes = maxUnreadBytes
    this.#alive = setInterval(() => {
      this.notify({ type: '@xstate-mqtt.alive', ...stamp() } satisfies AliveMessage)
    }, ALIVE_EVERY).unref()
  }

  /** @param introduction - the messages that the viewer gets before the replay */
  add(viewer: Viewer, introduction: readonly ServerMessage[]): void {
    this.#flush()
    const [welcome, ...rest] = introduction
    if (welcome) viewer.welcome(welcome)
    this.#viewers.add(viewer)
    this.#replay(viewer, rest)
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
    for (const viewer of this.#viewers) viewer.push(entry)
    this.#schedule()
  }

  /** Sends messages that are not part of the history. */
  notify(message: ServerMessage): void {
    if (this.#viewers.size === 0) return
    const text = JSON.stringify(message)
    for (const viewer of this.#viewers) viewer.notify(text)
    this.#schedule()
  }

  close(): void {
    clearInterval(this.#alive)
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const { socket } of this.#viewers) socket.terminate()
    this.#viewers.clear()
  }

  #schedule(): void {
    this.#timer ??= setTimeout(() => this.#flush(), FLUSH_AFTER).unref()
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    for (const viewer of this.#viewers) {
      if (viewer.socket.bufferedAmount > this.#maxUnreadBytes) this.#disconnect(viewer)
      else viewer.flush()
    }
    if ([...this.#viewers].some(({ waits }) => waits)) this.#schedule()
  }

  #disconnect(viewer: Viewer): void {
    this.#viewers.delete(viewer)
    viewer.socket.terminate()
  }

  #replay(viewer: Viewer, introduction: readonly ServerMessage[]): void {
    const { actors, entries } = this.#history.replay()
    if (viewer.plain) {
      const shown = entries.filter(({ type }) => isInspectionType(type)).map(({ text }) => text)
      viewer.replay([...actors.filter(isInspection), ...shown])
    } else {
      const live: LiveMessage = {
        type: '@xstate-mqtt.live',
        ...stamp(),
        replayed: entries.length,
        forgotten: this.#history.forgotten,
      }
      const messages = [...introduction.map((message) => JSON.stringify(message)), ...actors]
      viewer.replay([...messages, ...entries.map(({ text }) => text), JSON.stringify(live)])
    }
    if (viewer.waits) this.#schedule()
  }
}

function isInspection(text: string): boolean {
  return text.startsWith('{"type":"@xstate.')
}
