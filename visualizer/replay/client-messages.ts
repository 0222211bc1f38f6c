import type { AnyTransitionDefinition } from 'xstate'

import { initialContext } from '../../machines/connection/context.ts'
import { connectionMachine } from '../../machines/connection/machine.ts'
import { stateWithName } from '../../machines/connection/state-name.ts'
import { nameOfDelay } from '../../src/recorder/effects.ts'
import type { Checkpoint, Step } from '../../src/recorder/format.ts'
import type { ClientLine } from '../../testing/replay/read-recording.ts'
import { Replayer } from '../../testing/replay/replayer.ts'
import type { Json, ShownEvent, ShownSnapshot, SnapshotMessage, Timer, TransitionMessage } from '../protocol.ts'
import { base, takenTransition } from '../record/recorded.ts'
import type { Redactor } from '../record/redact.ts'
import { showTimers } from '../record/shown-timers.ts'

type Context = Readonly<Record<string, unknown>>

/** What the page shows at a step, beside the context. */
interface Moment {
  readonly at: number
  readonly event: ShownEvent
  readonly status?: ShownSnapshot['status']
}

/**
 * Turns the lines of one client into the messages of an inspected actor. Steps are recorded without the context, so the
 * machine runs again. Where this version takes another way than the recorded one, what was recorded is shown: the state,
 * the counters and the failure; the rest of the context stays as it was until the next checkpoint.
 */
export class ClientMessages {
  readonly #sessionId: string
  readonly #redactor: Redactor
  #replayer: Replayer | undefined
  #config: Checkpoint['config'] | undefined
  #context: Context = {}
  /** The fields of the context as they were sent: the values, and their JSON. */
  readonly #sent = new Map<string, { value: unknown; readonly text: string }>()
  #state = ''
  #taken: readonly AnyTransitionDefinition[] = []
  /** Why the next checkpoint does not follow from what was before it. */
  #jump: ShownEvent | undefined = { type: 'recording begins' }
  /** When this version first took another way; `undefined` if it never did. */
  #differsSince: number | undefined

  constructor(sessionId: string, redactor: Redactor) {
    this.#sessionId = sessionId
    this.#redactor = redactor
  }

  get differsSince(): number | undefined {
    return this.#differsSince
  }

  /** @param at - the time of the line, in milliseconds since 1970 */
  take(line: ClientLine, at: number): readonly (TransitionMessage | SnapshotMessage)[] {
    switch (line.type) {
      case 'checkpoint':
        return this.#checkpoint(line, at)
      case 'step':
        return this.#step(line, at)
      case 'broken':
        this.#replayer = undefined
        this.#jump = { type: 'another machine takes its place' }
        return [this.#snapshot({ at, event: this.#redactor.event(line.event), status: 'error' }, [])]
      case 'stopped':
        this.#replayer = undefined
        return [this.#snapshot({ at, event: { type: 'xstate.stop' }, status: 'stopped' }, [])]
      case 'gap':
        this.#replayer = undefined
        this.#jump = { type: 'lines are missing', lines: line.lines }
        return []
    }
  }

  #checkpoint(line: Checkpoint, at: number): readonly SnapshotMessage[] {
    const { state, config, context } = line
    const isFirst = this.#config === undefined
    const jump = this.#jump ?? (state === this.#state ? undefined : { type: 'checkpoint' })
    this.#jump = undefined
    this.#state = state
    this.#config = config
    this.#replayer = this.#replayerFrom(line)
    this.#context = { ...context, config }
    if (!jump) return []
    const event = isFirst && state === 'idle' ? { type: 'xstate.init' } : jump
    return [this.#snapshot({ at, event }, this.#timers(at - line.t))]
  }

  #replayerFrom(line: Checkpoint): Replayer | undefined {
    try {
      return new Replayer(line)
    } catch {
      // The checkpoint is that of another version, or was edited.
      return undefined
    }
  }

  #step(step: Step, at: number): readonly (TransitionMessage | SnapshotMessage)[] {
    const event = this.#eventOf(step)
    const isSame = this.#replay(step)
    this.#state = step.state
    if (isSame && this.#replayer) this.#context = { ...this.#replayer.context, config: this.#config }
    else this.#followWithoutReplay(step, at)
    const messages: (TransitionMessage | SnapshotMessage)[] = []
    if (this.#taken.length > 0) messages.push(this.#transition(at, event))
    messages.push(this.#snapshot({ at, event }, this.#timers(at - step.t)))
    return messages
  }

  /** Whether the machine takes the same way as the recorded one. */
  #replay(step: Step): boolean {
    this.#taken = []
    try {
      const replayed = this.#replayer?.take(step)
      if (replayed?.state !== step.state) return false
      this.#taken = replayed.transitions
      return true
    } catch {
      // It does not wait for the delay that has passed.
      return false
    }
  }

  #followWithoutReplay({ event, counters }: Step, at: number): void {
    if (this.#replayer) this.#differsSince ??= at
    this.#replayer = undefined
    const failure = event?.failure
    this.#context = {
      ...this.#context,
      ...(failure !== undefined && { failure }),
      ...(counters && { counters: { ...(this.#context.counters as object), ...counters } }),
    }
  }

  #eventOf({ event, timer = '' }: Step): ShownEvent {
    if (event) return this.#redactor.event(event)
    const running = this.#replayer?.pending.find((each) => nameOfDelay(each.event) === timer)
    return { type: this.#redactor.text(running?.event ?? `xstate.after.${timer}.connection`) }
  }

  /** @param epoch - what the clock shows at time 0 of the recording, in milliseconds since 1970 */
  #timers(epoch: number): readonly Timer[] | undefined {
    const pending = this.#replayer?.pending.map((timer) => ({ ...timer, startedAt: timer.startedAt + epoch }))
    return pending && showTimers(pending, this.#redactor)
  }

  #transition(at: number, { type }: ShownEvent): TransitionMessage {
    return {
      type: '@xstate-mqtt.transition',
      ...base(this.#sessionId, this.#sessionId, String(at)),
      eventType: type,
      transitions: this.#taken.map((taken) => takenTransition(taken, this.#redactor)),
    }
  }

  #snapshot({ at, event, status = 'active' }: Moment, timers: readonly Timer[] | undefined): SnapshotMessage {
    return {
      type: '@xstate.snapshot',
      ...base(this.#sessionId, this.#sessionId, String(at)),
      snapshot: {
        status,
        value: this.#redactor.state(stateWithName(this.#state)),
        context: this.#changes(),
        tags: tagsOf(this.#state),
      },
      event,
      ...(timers && { timers }),
      partial: true,
    }
  }

  /** The fields of the context that differ from those that were sent before. */
  #changes(): { readonly [field: string]: Json } {
    const changes: Record<string, Json> = {}
    for (const [name, value] of Object.entries(this.#context)) {
      const sent = this.#sent.get(name)
      if (value === undefined || (sent && sent.value === value)) continue
      const shown = this.#redactor.show({ [name]: value })
      const text = JSON.stringify(shown)
      this.#sent.set(name, { value, text })
      if (sent?.text !== text) Object.assign(changes, shown)
    }
    return changes
  }
}

const tags = new Map<string, readonly string[]>()

/** The tags of a state; none if this version does not have it. */
function tagsOf(state: string): readonly string[] {
  let known = tags.get(state)
  if (!known) {
    try {
      const value = stateWithName(state)
      const resolved = connectionMachine.resolveState({ value, context: initialContext(undefined) })
      known = [...resolved.tags]
    } catch {
      known = []
    }
    tags.set(state, known)
  }
  return known
}
