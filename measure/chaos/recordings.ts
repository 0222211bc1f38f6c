import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { checkRecording } from '../../testing/replay/check-recording.ts'
import { readRecordings } from '../../testing/replay/read-recording.ts'
import { TemporaryFolder } from '../lab/cleanup.ts'

/** What became of the recordings of a run. */
export interface Replayed {
  /** How many machines were recorded. Each process of the durable publisher has one. */
  readonly recordings: number
  readonly replayedSteps: number
  /** Where the replay of a client first took another way. */
  readonly differing: readonly string[]
}

/** The recordings of all clients of a run: those of this process share a file, and the durable publisher has its own. */
export class ChaosRecordings implements Disposable {
  readonly #folder = new TemporaryFolder('chaos-recordings')
  readonly clients = join(this.#folder.path, 'clients.jsonl')
  readonly durable = join(this.#folder.path, 'durable.jsonl')

  /** Everything that was recorded, for `npx xstate-mqtt replay`. */
  get text(): string {
    const files = [this.clients, this.durable].flatMap((file) => [`${file}.1`, file]).filter((file) => existsSync(file))
    return files.map((file) => readFileSync(file, 'utf8')).join('\n')
  }

  /** Replays all of it. */
  replayed(): Replayed {
    const { text } = this
    if (text === '') return { recordings: 0, replayedSteps: 0, differing: [] }
    const { recordings } = readRecordings(text)
    const results = recordings.map((recording) => ({ ...recording, ...checkRecording(recording) }))
    return {
      recordings: recordings.length,
      replayedSteps: results.reduce((sum, { steps }) => sum + steps, 0),
      differing: results.flatMap(({ client, difference }) => {
        if (!difference) return []
        const { t, recorded, replayed } = difference
        return [`${client} at ${t} ms: ${recorded.join(', ')} instead of ${replayed.join(', ')}`]
      }),
    }
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]()
  }
}
