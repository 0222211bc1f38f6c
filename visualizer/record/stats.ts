import type { AnyActorRef } from 'xstate'

import type { VisualizerStats } from '../options.ts'
import type { Recorder } from './recorder.ts'

const SAMPLE_EVERY = 1_000
const NAMES = ['outbox', 'outboxBytes', 'inFlight', 'published', 'received'] as const

/** Copies only the known figures of an app: anything else may be a secret. */
export function figuresOf(value: unknown): VisualizerStats {
  const fields = (value ?? {}) as Readonly<Record<string, unknown>>
  return Object.fromEntries(NAMES.flatMap((name) => (Number.isFinite(fields[name]) ? [[name, fields[name]]] : [])))
}

/** Samples figures while the actor lives. Of a run of equal samples, only the first and the last are recorded. */
export function watch(
  recorder: Recorder,
  actor: AnyActorRef,
  sample: () => VisualizerStats,
  watches: Set<() => void>,
): () => void {
  let last = ''
  let same: { readonly stats: VisualizerStats; readonly at: number } | undefined
  const take = () => {
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
  const timer = setInterval(take, SAMPLE_EVERY).unref()
  const stop = () => {
    clearInterval(timer)
    watches.delete(stop)
  }
  watches.add(stop)
  take()
  return stop
}
