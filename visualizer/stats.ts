import type { AnyActorRef } from 'xstate'

import type { VisualizerStats } from './options.ts'
import type { Recorder } from './recorder.ts'

const SAMPLE_EVERY = 1_000

/** Samples figures as long as the actor lives. A sample like the one before is not told. */
export function watch(
  recorder: Recorder,
  actor: AnyActorRef,
  sample: () => VisualizerStats,
  watches: Set<() => void>,
): () => void {
  let last = ''
  const take = () => {
    try {
      const stats = sample()
      const text = JSON.stringify(stats)
      if (text !== last) recorder.stats(actor, stats)
      last = text
    } catch {
      // Figures are not worth an error.
    }
  }
  const timer = setInterval(take, SAMPLE_EVERY).unref()
  const stop = () => {
    clearInterval(timer)
    watches.delete(stop)
  }
  watches.add(stop)
  take()
  return stop
}
