import { randomUUID } from 'node:crypto'
import type { WebSocket } from 'ws'

import { answer, parseCommand, perform } from '../commands.ts'
import {
  PROTOCOL_VERSION,
  type CommandMessage,
  type CommandResultMessage,
  type FeedInfoMessage,
  type ServerMessage,
  type WelcomeMessage,
} from '../protocol.ts'
import { History } from '../record/history.ts'
import { Recorder } from '../record/recorder.ts'
import type { Hide } from '../record/redact.ts'
import { messagesOf, stamp } from '../shared/frames.ts'
import { RemoteFeed } from './remote-feed.ts'
import { Viewer } from './viewer.ts'
import { Viewers } from './viewers.ts'

export interface HubOptions {
  readonly history: number
  readonly allowCommands: boolean
  readonly maxMessageBytes: number
  readonly maxUnreadBytes: number
  readonly name: string
  readonly hide: Hide | undefined
}

const LOCAL = 'local'
const MAX_FEEDS = 100

/** Connects feeds with viewers. It gets open sockets, and does not deal with how they were accepted. */
export class Hub {
  readonly recorder: Recorder
  readonly viewers: Viewers
  readonly #options: HubOptions
  readonly #history: History
  readonly #serverId = randomUUID()
  readonly #startedAt = Date.now()
  readonly #feeds = new Map<string, RemoteFeed>()
  /** Feeds by the ids that the apps chose. */
  readonly #known = new Map<string, RemoteFeed>()
  #lastFeed = 0

  constructor(options: HubOptions) {
    this.#options = options
    this.#history = new History(
      options.history,
      (entry) => this.viewers.added(entry),
      (sessionIds) => this.viewers.notify({ type: '@xstate-mqtt.forgotten', ...stamp(), sessionIds }),
    )
    this.viewers = new Viewers(this.#history, options.maxUnreadBytes)
    this.recorder = new Recorder({
      allowCommands: options.allowCommands,
      hide: options.hide,
      onRecorded: (recorded) => this.#history.add(LOCAL, recorded),
    })
  }

  addViewer(socket: WebSocket, plain: boolean): void {
    const viewer = new Viewer(socket, plain)
    let replayed = plain
    socket.on('close', () => this.viewers.remove(viewer))
    onFrame(socket, (frame) => {
      for (const message of messagesOf(frame)) {
        if (message.type === '@statelyai.connected') {
          // A page sends this when its socket opens. If it sends it again, it asks for another replay.
          if (replayed) this.viewers.replay(viewer, this.#introduction().slice(1))
          else this.viewers.add(viewer, this.#introduction())
          replayed = true
        } else if (message.type === '@xstate-mqtt.command' && !plain) {
          this.#command(message)
            .then((result) => socket.send(JSON.stringify(result), () => {}))
            .catch(() => socket.terminate())
        }
      }
    })
    if (plain) this.viewers.add(viewer, [])
  }

  addFeed(socket: WebSocket): void {
    let feed: RemoteFeed | undefined
    socket.send(JSON.stringify(this.#welcome()))
    onFrame(socket, (frame) => {
      if (feed) return feed.frame(frame)
      const count = this.#lastFeed
      feed = this.#feedOf(frame)
      feed.attach(socket)
      feed.frame(frame)
      if (this.#lastFeed > count) this.#supersede(feed.info)
    })
    socket.on('close', () => feed?.detach(socket))
  }

  /** The feed to which the first frame of a socket belongs: the app may be known from an earlier socket. */
  #feedOf(frame: string): RemoteFeed {
    const hello = messagesOf(frame).find(({ type }) => type === '@xstate-mqtt.hello')
    const givenId = typeof hello?.feedId === 'string' ? hello.feedId.slice(0, 100) : undefined
    const known = givenId === undefined ? undefined : this.#known.get(givenId)
    if (known) return known
    const feed: RemoteFeed = new RemoteFeed(`f${++this.#lastFeed}`, this.#history, this.#options.hide, () =>
      this.viewers.notify(feed.info),
    )
    this.#feeds.set(feed.feedId, feed)
    if (givenId !== undefined) this.#known.set(givenId, feed)
    this.#forgetOldFeeds()
    return feed
  }

  /**
   * A new process takes the place of the one with its name that has been offline for the longest: the app was restarted.
   * It takes the place of one only, so that a process that died stays visible if it has none to follow it. Of those whose
   * place was taken, the last one is kept.
   */
  #supersede({ name }: FeedInfoMessage): void {
    const gone = [...this.#feeds.values()]
      .filter(({ info }) => info.name === name && info.status === 'offline')
      .toSorted((a, b) => (a.info.offlineSince ?? 0) - (b.info.offlineSince ?? 0))
    const next = gone.find(({ info }) => info.supersededAt === undefined)
    if (!next) return
    for (const feed of gone) if (feed.info.supersededAt !== undefined) this.#forget(feed)
    next.supersede()
  }

  #forgetOldFeeds(): void {
    for (const feed of this.#feeds.values()) {
      if (this.#feeds.size <= MAX_FEEDS * 2) return
      if (feed.info.status === 'offline') this.#forget(feed)
    }
  }

  #forget(feed: RemoteFeed): void {
    const { feedId } = feed
    this.#feeds.delete(feedId)
    for (const [givenId, other] of this.#known) if (other === feed) this.#known.delete(givenId)
    const sessionIds = this.#history.forgetFeed(feedId)
    this.viewers.notify({ type: '@xstate-mqtt.forgotten', ...stamp(), feedId, sessionIds })
  }

  async #command(fields: Readonly<Record<string, unknown>>): Promise<CommandResultMessage> {
    const request = parseCommand(fields)
    if (request.type === '@xstate-mqtt.command-result') return request
    const { requestId } = request
    if (!this.#options.allowCommands) {
      return answer(
        requestId,
        'not-allowed',
        'The visualizer does not allow commands: its option allowCommands is off.',
      )
    }
    const slash = request.sessionId.indexOf('/')
    const feedId = request.sessionId.slice(0, Math.max(0, slash))
    const local: CommandMessage = { ...request, sessionId: request.sessionId.slice(slash + 1) }
    if (feedId === LOCAL) return perform(this.recorder, true, local)
    return this.#feeds.get(feedId)?.command(local) ?? answer(requestId, 'unknown-actor', 'There is no such actor.')
  }

  #introduction(): readonly ServerMessage[] {
    const local: FeedInfoMessage = {
      type: '@xstate-mqtt.feed',
      ...stamp(),
      feedId: LOCAL,
      name: this.#options.name,
      pid: process.pid,
      status: 'online',
      dropped: 0,
      droppedTransitions: 0,
    }
    return [this.#welcome(), local, ...[...this.#feeds.values()].map(({ info }) => info)]
  }

  #welcome(): WelcomeMessage {
    const { allowCommands, history, maxMessageBytes } = this.#options
    return {
      type: '@xstate-mqtt.welcome',
      ...stamp(),
      version: PROTOCOL_VERSION,
      serverId: this.#serverId,
      startedAt: this.#startedAt,
      allowCommands,
      history,
      maxMessageBytes,
    }
  }
}

/** Handles frames so that an unexpected one closes its socket and does not end the process that hosts the visualizer. */
function onFrame(socket: WebSocket, listener: (frame: string) => void): void {
  socket.on('message', (data) => {
    try {
      listener(text(data))
    } catch {
      socket.terminate()
    }
  })
}

function text(data: Buffer | ArrayBuffer | Buffer[]): string {
  return (Array.isArray(data) ? Buffer.concat(data) : Buffer.from(data as Buffer)).toString()
}
