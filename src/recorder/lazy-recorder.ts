import { MachineTap, type MachineTapParts, type RawStep } from './machine-tap.ts'
import type { RecorderConfig } from './recorder-config.ts'
import type { Recording } from './recording.ts'

/** How many steps wait for the code that writes them. */
const MAX_WAITING = 10_000

/** Records a connection machine. The code that writes is loaded with the first recorder: most clients have none. */
export class LazyRecorder extends MachineTap {
  readonly #loaded: Promise<Recording | undefined>

  /** @param name - of the client */
  constructor(config: RecorderConfig, name: string | undefined, parts: Omit<MachineTapParts, 'onStep'>) {
    const waiting: RawStep[] = []
    let record = (step: RawStep): void => {
      // The recording then begins later, with a checkpoint.
      if (waiting.length >= MAX_WAITING) waiting.length = 0
      waiting.push(step)
    }
    super({ ...parts, onStep: (step) => record(step) })
    this.#loaded = import('./recording.ts')
      .then(({ openRecording }) => {
        const recording = openRecording(config, name, parts.onError)
        for (const step of waiting.splice(0)) recording.record(step)
        record = (step) => recording.record(step)
        return recording
      })
      .catch((error: unknown) => {
        record = () => {}
        parts.onError(error)
        return undefined
      })
  }

  /** Resolves when all that has happened is written. */
  async flush(): Promise<void> {
    const recording = await this.#loaded
    await recording?.flush()
  }

  /** Reports an error, unless this client or another one with the same recording has reported one. */
  async report(error: unknown): Promise<void> {
    const recording = await this.#loaded
    recording?.report(error)
  }

  /** Call it once, when the machine is stopped. Resolves when everything is written. */
  async end(): Promise<void> {
    const recording = await this.#loaded
    await recording?.end()
  }
}
