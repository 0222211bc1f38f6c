import type { AnyActorRef } from 'xstate'

import type { StatsMessage } from '../protocol.ts'
import type { Recorder } from './recorder.ts'

type Figures = StatsMessage['stats']

/** In milliseconds. */
const SAMPLE_EVERY = 1_000

/** Samples figures that no machine holds, and records them as long as they change. */
export class Sampler {
  readonly #recorder: Recorder
  readonly #stops = new Set<() => void>()

  constructor(recorder: Recorder) {
    this.#recorder = recorder
  }

  /**
   * Samples figures of an actor. Of a run of equal samples, only the first and the last are recorded.
   *
   * @returns stops sampling
   */
  watch(actor: AnyActorRef, sample: () => Figures): () => void {
    const take = samples(this.#recorder, actor, sample)
    const timer = setInterval(take, SAMPLE_EVERY).unref()
    const stop = () => {
      clearInterval(timer)
      this.#stops.delete(stop)
    }
    this.#stops.add(stop)
    take()
    return stop
  }

  /** Stops sampling for all actors. */
  stop(): void {
    for (const stop of this.#stops) stop()
  }
}

function samples(recorder: Recorder, actor: AnyActorRef, sample: () => Figures): () => void {
  let last = ''
  let same: { readonly stats: Figures; readonly at: number } | undefined
  return () => {
    try {
      const stats = sample()
      const text = JSON.stringify(stats)
      if (text === last) {
        same = { stats, at: Date.now() }
        return
      }
      // Records when the idle time ended. Otherwise the new messages would be spread over all of it.
      if (same) recorder.stats(actor, same.stats, same.at)
      same = undefined
      recorder.stats(actor, stats)
      last = text
    } catch {
      // A sampling function that throws must not disturb the app.
    }
  }
}
