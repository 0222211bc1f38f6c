import type { AnyActorRef } from 'xstate'

import type { VisualizerStats } from './options.ts'
import type { Recorder } from './recorder.ts'

const SAMPLE_EVERY = 1_000
const NAMES = ['outbox', 'outboxBytes', 'inFlight', 'published', 'received'] as const

/** Of what an app gave as figures those that are: anything else may be a secret. */
export function figuresOf(value: unknown): VisualizerStats {
  const fields = (value ?? {}) as Readonly<Record<string, unknown>>
  return Object.fromEntries(NAMES.flatMap((name) => (Number.isFinite(fields[name]) ? [[name, fields[name]]] : [])))
}

/** Samples figures as long as the actor lives. Of samples that are alike only the first and the last are told. */
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
      // It was so until now: else what came in this second would be spread over all the time in which nothing came.
      if (same) recorder.stats(actor, same.stats, same.at)
      same = undefined
      recorder.stats(actor, stats)
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
