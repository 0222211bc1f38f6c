import { connectionMachine } from '../../machines/connection/machine.ts'
import type { ClientLine, Recording } from '../../testing/replay/read-recording.ts'
import { timedLines } from '../../testing/replay/timed-lines.ts'
import type { ActorMessage, FeedInfoMessage, ServerMessage } from '../protocol.ts'
import { definitionOf } from '../record/definition.ts'
import { base } from '../record/recorded.ts'
import { Redactor } from '../record/redact.ts'
import { ClientMessages } from './client-messages.ts'
import { forwards } from './set-backs.ts'

/** A line of a client, at its place among those of all clients. */
interface Placed {
  readonly track: Track
  readonly line: ClientLine
  readonly at: number
}

interface Track {
  readonly recording: Recording
  readonly sessionId: string
  readonly feedId: string
  readonly begin: number
  readonly end: number
}

/** Recordings of several clients, in the order in which everything happened. */
export class PlayedRecordings {
  readonly #tracks: readonly Track[]
  readonly #placed: readonly Placed[]

  /** @param recordings - each with one line at least */
  constructor(recordings: readonly Recording[]) {
    const tracks: Track[] = []
    const placed: Placed[] = []
    const feeds = new Map<string, string>()
    for (const [index, recording] of recordings.entries()) {
      const { run } = recording.header
      const feedId = feeds.get(run) ?? `r${feeds.size + 1}`
      feeds.set(run, feedId)
      const timed = forwards(timedLines(recording.lines))
      const [begin, end] = [timed[0]?.at ?? 0, timed.at(-1)?.at ?? 0]
      const track = { recording, sessionId: `${feedId}/c${index + 1}`, feedId, begin, end }
      tracks.push(track)
      for (const { line, at } of timed) placed.push({ track, line, at })
    }
    this.#tracks = tracks
    this.#placed = placed.toSorted((a, b) => a.at - b.at)
  }

  /** When the first line was written, in milliseconds since 1970. */
  get begin(): number {
    return this.#placed[0]?.at ?? 0
  }

  /** When the last line was written. */
  get end(): number {
    return this.#placed.at(-1)?.at ?? 0
  }

  get steps(): number {
    return this.#placed.reduce((count, { line }) => count + Number(line.type === 'step'), 0)
  }

  /**
   * The messages that lead a page through all of it.
   *
   * @param onDiffers - called at the end with the clients and the times at which this version first took another way
   */
  *messages(onDiffers: (client: string, at: number) => void = () => {}): Generator<ServerMessage, void> {
    const redactor = new Redactor()
    yield* this.#feeds()
    yield* this.#actors(redactor)
    const clients = new Map(
      this.#tracks.map((track) => [track, new ClientMessages(track.sessionId, redactor)] as const),
    )
    let id = 0
    for (const { track, line, at } of this.#placed) {
      for (const message of clients.get(track)?.take(line, at) ?? []) yield { ...message, id: String(++id) }
    }
    for (const [{ recording }, { differsSince }] of clients) {
      if (differsSince !== undefined) onDiffers(recording.client, differsSince)
    }
  }

  *#feeds(): Generator<FeedInfoMessage, void> {
    for (const feedId of new Set(this.#tracks.map((track) => track.feedId))) {
      const tracks = this.#tracks.filter((track) => track.feedId === feedId)
      const begin = Math.min(...tracks.map((track) => track.begin))
      yield {
        type: '@xstate-mqtt.feed',
        createdAt: String(begin),
        feedId,
        name: `run ${feedId.slice(1)} at ${new Date(begin).toISOString().slice(11, 19)} UTC`,
        ...this.#replacementOf(tracks),
        dropped: 0,
        droppedTransitions: 0,
      }
    }
  }

  /** A process that appends to the recording of an earlier one, and has a client with the same name, takes its place. */
  #replacementOf(tracks: readonly Track[]): Pick<FeedInfoMessage, 'status' | 'offlineSince' | 'supersededAt'> {
    const end = Math.max(...tracks.map((track) => track.end))
    const names = new Set(tracks.map(({ recording }) => recording.client))
    const later = this.#tracks.filter(({ begin, recording }) => begin >= end && names.has(recording.client))
    const others = later.filter(({ feedId }) => feedId !== tracks[0]?.feedId)
    if (others.length === 0) return { status: 'online' }
    const supersededAt = Math.min(...others.map(({ begin }) => begin))
    return { status: 'offline', offlineSince: supersededAt, supersededAt }
  }

  *#actors(redactor: Redactor): Generator<ActorMessage, void> {
    const [first] = this.#tracks
    for (const { recording, sessionId, feedId, begin } of this.#tracks) {
      redactor.named(recording.client)
      yield {
        type: '@xstate.actor',
        ...base(sessionId, sessionId, String(begin)),
        name: redactor.text(recording.client),
        parentId: undefined,
        feedId,
        kind: 'machine',
        bornAt: String(begin),
        snapshot: { status: 'active' },
        definition: sessionId === first?.sessionId ? definitionOf(connectionMachine.config) : undefined,
        ...(sessionId !== first?.sessionId && { definedLike: first?.sessionId ?? '' }),
      }
    }
  }
}
