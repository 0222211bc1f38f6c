import type { WebSocket } from 'ws'

import { answer } from '../commands.ts'
import type { CommandMessage, CommandResultMessage, FeedInfoMessage, FeedReply } from '../protocol.ts'
import type { History } from '../record/history.ts'
import { Redactor, type Hide } from '../record/redact.ts'
import { messagesOf, stamp } from '../shared/frames.ts'
import type { Fields } from '../shared/json.ts'
import { RemoteActors } from './remote-actors.ts'
import { received } from './remote-message.ts'

const ANSWER_WITHIN = 5_000
const MAX_OPEN_COMMANDS = 100

/** The server's side of an app in another process. It outlives its socket, because the app may reconnect. */
export class RemoteFeed {
  readonly feedId: string
  readonly #history: History
  readonly #redactor: Redactor
  readonly #onChange: () => void
  readonly #actors = new RemoteActors()
  readonly #waiting = new Map<string, (result: CommandResultMessage) => void>()
  #name: string
  #pid: number | undefined
  #dropped = 0
  #droppedTransitions = 0
  #socket: WebSocket | undefined
  #offlineSince: number | undefined
  #supersededAt: number | undefined
  #lastRequest = 0

  constructor(feedId: string, history: History, hide: Hide | undefined, onChange: () => void) {
    this.feedId = feedId
    this.#name = `app ${feedId.slice(1)}`
    this.#history = history
    this.#redactor = new Redactor(hide)
    this.#onChange = onChange
  }

  get info(): FeedInfoMessage {
    return {
      type: '@xstate-mqtt.feed',
      ...stamp(),
      feedId: this.feedId,
      name: this.#name,
      ...(this.#pid !== undefined && { pid: this.#pid }),
      status: this.#socket ? 'online' : 'offline',
      ...(this.#offlineSince !== undefined && { offlineSince: this.#offlineSince }),
      ...(this.#supersededAt !== undefined && { supersededAt: this.#supersededAt }),
      dropped: this.#dropped,
      droppedTransitions: this.#droppedTransitions,
    }
  }

  attach(socket: WebSocket): void {
    const before = this.#socket
    this.#socket = socket
    this.#offlineSince = undefined
    this.#supersededAt = undefined
    if (before && before !== socket) before.terminate()
    this.#onChange()
  }

  detach(socket: WebSocket): void {
    if (this.#socket !== socket) return
    this.#socket = undefined
    this.#offlineSince = Date.now()
    for (const requestId of this.#waiting.keys()) {
      this.#settle(answer(requestId, 'offline', 'The app has disconnected.'))
    }
    this.#onChange()
  }

  /** Another process has taken its place. */
  supersede(): void {
    this.#supersededAt = Date.now()
    this.#onChange()
  }

  frame(frame: string): void {
    for (const message of messagesOf(frame)) this.#message(message)
  }

  /** Sends a command to the app. It always resolves. */
  command(request: CommandMessage): Promise<CommandResultMessage> {
    const socket = this.#socket
    if (!socket) return Promise.resolve(answer(request.requestId, 'offline', 'The app is not connected.'))
    if (this.#waiting.size >= MAX_OPEN_COMMANDS) {
      return Promise.resolve(answer(request.requestId, 'timeout', 'Too many commands are waiting for an answer.'))
    }
    const requestId = String(++this.#lastRequest)
    return new Promise((resolve) => {
      const timer = setTimeout(
        () => this.#settle(answer(requestId, 'timeout', 'The app did not answer.')),
        ANSWER_WITHIN,
      )
      this.#waiting.set(requestId, (result) => {
        clearTimeout(timer)
        resolve({ ...result, requestId: request.requestId })
      })
      socket.send(JSON.stringify({ ...request, requestId } satisfies FeedReply))
    })
  }

  #message(message: Fields): void {
    switch (message.type) {
      case '@xstate-mqtt.hello':
        return this.#hello(message)
      case '@xstate-mqtt.dropped':
        if (typeof message.dropped === 'number') this.#dropped = message.dropped
        // An app of an earlier version does not say what it dropped.
        this.#droppedTransitions =
          typeof message.droppedTransitions === 'number' ? message.droppedTransitions : this.#dropped
        return this.#onChange()
      case '@xstate-mqtt.command-result':
        return this.#answered(message)
      default:
        return this.#record(message)
    }
  }

  #hello({ name, pid, actors }: Fields): void {
    if (typeof name === 'string') this.#name = this.#redactor.text(name)
    if (typeof pid === 'number') this.#pid = pid
    if (Array.isArray(actors)) this.#history.retain(this.feedId, new Set(actors.map(String)))
    this.#onChange()
  }

  #answered(message: Fields): void {
    const { requestId, ok, reason, message: text } = message
    if (typeof requestId !== 'string') return
    const shown = this.#redactor.text(typeof text === 'string' ? text : '')
    const refused = typeof reason === 'string' ? (reason as CommandResultMessage['reason']) : 'ignored'
    this.#settle(answer(requestId, ok === true ? undefined : refused, shown))
  }

  #settle(result: CommandResultMessage): void {
    const settle = this.#waiting.get(result.requestId)
    this.#waiting.delete(result.requestId)
    settle?.(result)
  }

  #record(message: Fields): void {
    if (message.type === '@xstate.actor' && typeof message.name === 'string') this.#redactor.named(message.name)
    const recorded = received(message, this.#redactor, this.#actors)
    if (recorded) this.#history.add(this.feedId, recorded)
  }
}
