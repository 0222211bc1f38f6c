import { randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type { WebSocket } from 'ws'

import type { Recording } from '../../testing/replay/read-recording.ts'
import { parseVisualizerOptions, type VisualizerOptions } from '../options.ts'
import { PROTOCOL_VERSION, type LiveMessage, type RecordingInfo, type WelcomeMessage } from '../protocol.ts'
import { builtPage } from '../serve/page-files.ts'
import { type Exhibit, openSite, type Site } from '../serve/site.ts'
import { framesOf, messagesOf, stamp } from '../shared/frames.ts'
import { PlayedRecordings } from './recording-messages.ts'

/** A page holds all steps in memory. */
const MAX_STEPS = 250_000

export interface ServeRecordingOptions extends Pick<VisualizerOptions, 'port' | 'host' | 'token'> {
  /** The name of the file, which the page shows. */
  readonly file: string
  /** The part that is played, in milliseconds since 1970. @default from the first line to the last one */
  readonly from?: number
  readonly until?: number
  /** Called for each client for which the machine of this version takes another way than the recorded one. */
  readonly onDiffers?: (client: string, at: number) => void
  /** For tests: the folder of the page. */
  readonly pageFolder?: string
}

/** There are more steps than a page can hold. */
export class TooLargeError extends Error {
  override readonly name = 'TooLargeError'
}

/**
 * Serves the page with a recording. A page gets all of it, and then goes through it by itself, so it stays usable when the
 * server has ended.
 *
 * @throws {InvalidOptionError} if an option is wrong
 * @throws {TooLargeError} if there are more than `MAX_STEPS`
 */
export async function serveRecording(
  recordings: readonly Recording[],
  { file, from: given, until: last, onDiffers, pageFolder = builtPage, ...options }: ServeRecordingOptions,
): Promise<Site> {
  const config = parseVisualizerOptions(options)
  const played = new PlayedRecordings(recordings)
  const { steps, begin, end } = played
  const from = given ?? begin
  const until = Math.max(from, last ?? end)
  if (steps > MAX_STEPS) {
    throw new TooLargeError(`it has ${inThousands(steps)} steps; the page shows ${inThousands(MAX_STEPS)} at most`)
  }
  return openSite(
    config,
    pageFolder,
    new Player(played, onDiffers, {
      file,
      package: recordings[0]?.header.package ?? '',
      from,
      until,
      steps,
    }),
  )
}

/** Sends the recording to each page, as fast as the page reads. */
class Player implements Exhibit {
  readonly #played: PlayedRecordings
  readonly #info: RecordingInfo
  readonly #serverId = randomUUID()
  /** Called for the first page only. */
  #onDiffers: ServeRecordingOptions['onDiffers']

  constructor(played: PlayedRecordings, onDiffers: ServeRecordingOptions['onDiffers'], info: RecordingInfo) {
    this.#played = played
    this.#onDiffers = onDiffers
    this.#info = info
  }

  readonly addViewer = (socket: WebSocket): void => {
    let isAsked = false
    socket.on('message', (data) => {
      const asks = messagesOf((data as Buffer).toString()).some(({ type }) => type === '@statelyai.connected')
      if (!asks || isAsked) return
      isAsked = true
      this.#play(socket).catch(() => socket.terminate())
    })
  }

  readonly close = (): void => {}

  async #play(socket: WebSocket): Promise<void> {
    const onDiffers = this.#onDiffers
    this.#onDiffers = undefined
    await send(socket, JSON.stringify(this.#welcome()))
    const messages = this.#played.messages(onDiffers)
    for (const frame of framesOf(asJson(messages))) {
      if (socket.readyState !== socket.OPEN) return
      await send(socket, frame)
      // The next frame takes a while to make. Others have their turn meanwhile.
      await setImmediate()
    }
    await send(socket, JSON.stringify(this.#end()))
  }

  #welcome(): WelcomeMessage {
    return {
      type: '@xstate-mqtt.welcome',
      ...stamp(),
      version: PROTOCOL_VERSION,
      serverId: this.#serverId,
      startedAt: Date.now(),
      allowCommands: false,
      history: this.#info.steps,
      maxMessageBytes: 0,
      recording: this.#info,
    }
  }

  #end(): LiveMessage {
    return { type: '@xstate-mqtt.live', ...stamp(), replayed: this.#info.steps, forgotten: 0 }
  }
}

function* asJson(messages: Iterable<object>): Generator<string, void> {
  for (const message of messages) yield JSON.stringify(message)
}

/** Resolves when the system has taken the frame. */
function send(socket: WebSocket, frame: string): Promise<void> {
  return new Promise((resolve, refused) => {
    socket.send(frame, (error) => (error ? refused(error) : resolve()))
  })
}

function inThousands(count: number): string {
  return count.toLocaleString('en')
}
