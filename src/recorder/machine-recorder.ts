import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate'

import { nameOfState } from '../../machines/connection/state-name.ts'
import type { ConnectionContext, ConnectionCounters } from '../../machines/connection/types.ts'
import { Timers } from '../shared/pending-timers.ts'
import { effectsOf, nameOfDelay } from './effects.ts'
import type { Checkpoint, RecordedLine, RecordedTimer } from './format.ts'
import type { RawStep } from './machine-tap.ts'
import { recordedEvent } from './recorded-event.ts'

/** In milliseconds. */
const CHECKPOINT_EVERY = 60_000
/** By how much the wall clock and the machine's clock may diverge before a checkpoint tells it. In milliseconds. */
const MAX_DRIFT = 10
const STOP = 'xstate.stop'

/** Takes the lines of a recording. */
export interface LineSink {
  /**
   * Must be called before the lines of a step.
   *
   * @param now - in milliseconds since 1970
   * @returns a number that changes when the next line must be a checkpoint
   */
  ready(now: number): number
  write(line: RecordedLine): void
  /** The number of the next client. */
  join(): number
}

/** Writes the steps of a machine into a recording, with a checkpoint before them where one is needed. */
export class MachineRecorder {
  readonly #name: string | undefined
  readonly #sink: LineSink
  readonly #client: number
  #timers = new Timers()
  /** The actor that is recorded. */
  #actor: unknown
  #epoch = 0
  /** The last checkpoint. Times are relative to it. */
  #base: { readonly t: number; readonly now: number; readonly time: number } | undefined
  /** The time of the last line. */
  #t = 0

  constructor(name: string | undefined, sink: LineSink) {
    this.#name = name
    this.#sink = sink
    this.#client = sink.join()
  }

  record(step: RawStep): void {
    const { event, before, after, actions, answers } = step
    this.#t = this.#timeOf(step)
    const [sink, client, t] = [this.#sink, this.#client, this.#t]
    const known = (before.machine as AnyStateMachine).events
    if (event.type === STOP) return sink.write({ type: 'stopped', client, t })
    if (after.status !== 'active') {
      this.#actor = undefined
      return sink.write({ type: 'broken', client, t, event: recordedEvent(event, known) })
    }
    const isTimer = this.#timers.list.some((timer) => timer.event === event.type)
    this.#timers.received(event.type)
    for (const { type, params } of actions) this.#timers.acted(type, params, t)
    const does = effectsOf(actions)
    const counters = changedCounters(before, after)
    sink.write({
      type: 'step',
      client,
      t,
      ...(isTimer ? { timer: nameOfDelay(event.type) } : { event: recordedEvent(event, known) }),
      state: nameOfState(after.value),
      ...(does.length > 0 && { does }),
      ...(answers && { answers }),
      ...(counters && { counters }),
    })
  }

  /** Returns the time of a step, and writes a checkpoint before it if one is due. */
  #timeOf({ actor, before, now, time }: RawStep): number {
    const epoch = this.#sink.ready(now)
    const base = this.#base
    if (actor !== this.#actor) this.#timers = new Timers()
    const elapsed = base ? time - base.time : 0
    const t = base ? base.t + now - base.now : 0
    const isDrifted = base !== undefined && (Math.abs(t - base.t - elapsed) > MAX_DRIFT || t < this.#t)
    const isDue = !base || actor !== this.#actor || epoch !== this.#epoch || t - base.t >= CHECKPOINT_EVERY
    if (!isDrifted && !isDue) return t
    const right = isDrifted ? Math.max(this.#t, base.t + Math.round(elapsed)) : t
    this.#actor = actor
    this.#epoch = epoch
    this.#base = { t: right, now, time }
    this.#sink.write(this.#checkpoint(before, right, now))
    return right
  }

  #checkpoint({ value, context, children }: AnyMachineSnapshot, t: number, now: number): Checkpoint {
    const { config, ...rest } = context as ConnectionContext
    return {
      type: 'checkpoint',
      client: this.#client,
      ...(this.#name !== undefined && { name: this.#name }),
      t,
      now,
      state: nameOfState(value),
      config,
      context: rest,
      timers: recordedTimers(this.#timers),
      actors: Object.keys(children as object),
    }
  }
}

export function recordedTimers(timers: Timers): RecordedTimer[] {
  return Array.from(timers.running, ([id, { event, delay, startedAt }]) => ({
    ...(id !== event && { id }),
    event,
    delay,
    t: startedAt,
  }))
}

function changedCounters(
  { context: { counters: before } }: AnyMachineSnapshot,
  { context: { counters: after } }: AnyMachineSnapshot,
): Partial<ConnectionCounters> | undefined {
  if (before === after) return undefined
  const [old, all] = [before as ConnectionCounters, Object.entries(after as ConnectionCounters)]
  const changed = all.filter(([name, count]) => count !== old[name as keyof ConnectionCounters])
  return changed.length > 0 ? Object.fromEntries(changed) : undefined
}
