import { createActor, fromCallback, type AnyTransitionDefinition, type SnapshotFrom } from 'xstate'

import { restoredConfig, type ConnectionInput } from '../../machines/config.ts'
import { connectionMachine } from '../../machines/connection/machine.ts'
import { nameOfState, stateWithName } from '../../machines/connection/state-name.ts'
import type { ConnectionContext } from '../../machines/connection/types.ts'
import { pureRun, type PureRun } from '../../machines/pure-run.ts'
import { THREW } from '../../src/recorder/answers.ts'
import { effectsOf, nameOfDelay } from '../../src/recorder/effects.ts'
import type { AnswerKind, Answers, Checkpoint, Effect, RecordedTimer, Step } from '../../src/recorder/format.ts'
import { recordedTimers } from '../../src/recorder/machine-recorder.ts'
import { replayedEvent } from '../../src/recorder/recorded-event.ts'
import { type Timer, Timers } from '../../src/shared/pending-timers.ts'

type Machine = typeof connectionMachine
type Snapshot = SnapshotFrom<Machine>

/**
 * How early a delay may end according to the recorded times, in milliseconds: clocks are rounded, and wall clock and machine
 * clock may drift apart by 10 ms before a checkpoint.
 */
const EARLY = 15

/** Takes the place of an actor that was started before the replay begins. */
const standIn = fromCallback(() => {})

/** The state after a step, and what the machine did in it. */
export interface Taken {
  readonly state: string
  readonly does: readonly Effect[]
  /** The transitions that it took. */
  readonly transitions: readonly AnyTransitionDefinition[]
}

/** What a step of a replay needs of a recorded one. */
export type ReplayedStep = Pick<Step, 't' | 'event' | 'timer' | 'answers'>

/** The replay is impossible: the machine has no such delay, or it has not passed. */
export class ReplayError extends Error {
  override readonly name = 'ReplayError'
}

/**
 * Runs the connection machine over recorded steps, without executing anything: time, chance and everything that its actors and
 * the application report come from the recording.
 */
export class Replayer {
  readonly #pure: PureRun
  readonly #timers = new Timers()
  /** The wall clock at time 0. */
  #epoch: number
  #snapshot: Snapshot
  #t: number
  #answers: Answers = {}
  /** How many answers of each kind were used in this step. */
  #used: Partial<Record<AnswerKind, number>> = {}

  /** @param machine - for tests: a machine that differs from the package's */
  constructor(checkpoint: Checkpoint, machine: Machine = connectionMachine) {
    const { config, context, state, actors, timers, t, now } = checkpoint
    this.#t = t
    this.#epoch = now - t
    const functions = this.#functions(config)
    this.#pure = runOf(machine)
    const children = Object.fromEntries(actors.map((id) => [id, createActor(standIn, { id })]))
    const resolved = this.#pure.machine.resolveState({
      value: stateWithName(state),
      context: { ...context, config: restoredConfig(config, functions) },
    })
    this.#snapshot = { ...resolved, children }
    for (const { id, event, delay, t: startedAt } of timers) {
      this.#timers.acted('xstate.raise', { id, event: { type: event }, delay }, startedAt)
    }
  }

  get state(): string {
    return nameOfState(this.#snapshot.value)
  }

  get context(): ConnectionContext {
    return this.#snapshot.context
  }

  get timers(): readonly RecordedTimer[] {
    return recordedTimers(this.#timers)
  }

  /** The delays that run. Their times are those of the recording. */
  get pending(): readonly Timer[] {
    return this.#timers.list
  }

  /** The names of the delays that run, with the times when they pass. */
  get delays(): Record<string, number> {
    return Object.fromEntries(this.#timers.list.map((each) => [nameOfDelay(each.event), each.startedAt + each.delay]))
  }

  setWallClock(t: number, now: number): void {
    this.#epoch = now - t
  }

  /** @throws {ReplayError} if the machine does not wait for the delay of the step */
  take({ t, event, timer, answers = {} }: ReplayedStep): Taken {
    const received = event ? replayedEvent(event) : { type: this.#passed(timer ?? '', t) }
    this.#t = t
    this.#answers = answers
    this.#used = {}
    const { snapshot, actions, taken } = this.#pure.run(this.#snapshot, (scope) =>
      this.#pure.machine.transition(this.#snapshot, received as never, scope as never),
    )
    this.#snapshot = snapshot
    this.#timers.received(received.type)
    for (const { type, params } of actions) this.#timers.acted(type, params, t)
    return { state: this.state, does: effectsOf(actions), transitions: taken }
  }

  /** Returns the event of a delay that has passed. */
  #passed(name: string, t: number): string {
    const running = this.#timers.list.find((each) => nameOfDelay(each.event) === name)
    const all = this.#timers.list.map((each) => nameOfDelay(each.event)).join(', ') || 'none'
    if (!running) throw new ReplayError(`no delay '${name}' runs in ${this.state}; delays that run: ${all}`)
    const due = running.startedAt + running.delay
    if (t < due - EARLY) throw new ReplayError(`the delay '${name}' passes at ${due} ms, not at ${t} ms`)
    return running.event
  }

  #functions(config: Checkpoint['config']): ConnectionInput {
    const jitter = () => this.#answer('jitter', Number.NaN) as number
    return {
      now: () => this.#epoch + this.#t,
      random: () => this.#answer('random', 0.5) as number,
      classify: () => (this.#answer('classify', null) ?? undefined) as never,
      redirect: { allow: () => this.#answer('allow', false) === true },
      ...(config.reconnect.jitter === 'custom' && { reconnect: { jitter } }),
      ...(config.recovery.jitter === 'custom' && { recovery: { jitter } }),
    }
  }

  /** Returns the next answer. If all are used, the last one counts again. */
  #answer(kind: AnswerKind, otherwise: unknown): unknown {
    const given = this.#answers[kind] ?? []
    const n = this.#used[kind] ?? 0
    this.#used[kind] = n + 1
    const answer = given.length > 0 ? given[Math.min(n, given.length - 1)] : otherwise
    if (isThrown(answer)) throw new Error('recorded error')
    return answer === null && kind === 'random' ? Number.NaN : answer
  }
}

const runs = new WeakMap<Machine, PureRun>()

/** All replays of a machine share one run, because XState takes long to prepare a machine. Their functions are in the context. */
function runOf(machine: Machine): PureRun {
  const known = runs.get(machine)
  if (known) return known
  const run = pureRun(machine, {}, true)
  runs.set(machine, run)
  return run
}

function isThrown(answer: unknown): boolean {
  return typeof answer === 'object' && answer !== null && Object.keys(THREW).every((key) => key in answer)
}
