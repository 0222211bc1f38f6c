const MAX_TIMERS = 50
const AFTER = 'xstate.after.'

/** A running delay: `after`, or a delayed event. */
export interface Timer {
  /** The event that it sends: `xstate.after.reconnectDelay.connection.reconnecting`. */
  readonly event: string
  /** The machine's name for the delay: `reconnectDelay`, or `1000`. Only for `after`. */
  readonly name?: string
  /** The id of the state node that it belongs to: `reconnecting`, `connection.connected`. Only for `after`. */
  readonly state?: string
  /** In milliseconds. */
  readonly delay: number
  /** In milliseconds since 1970; it ends at `startedAt + delay`. */
  readonly startedAt: number
}

/** The running delays of one actor. XState does not report timers, only the actions that start and cancel them. */
export class Timers {
  readonly #running = new Map<string, Timer>()
  #list: readonly Timer[] = []

  /** Stays the same array as long as nothing changes. */
  get list(): readonly Timer[] {
    return this.#list
  }

  /** By their ids. */
  get running(): ReadonlyMap<string, Timer> {
    return this.#running
  }

  /** Records an action: a `raise` with a delay starts a timer, and a `cancel` ends it. */
  acted(type: string, params: unknown, now: number): void {
    const { id, sendId, delay, event } = (params ?? {}) as Readonly<Record<string, unknown>>
    if (type === 'xstate.cancel' && typeof sendId === 'string') this.#end(sendId)
    if (type !== 'xstate.raise' || typeof delay !== 'number' || this.#running.size >= MAX_TIMERS) return
    const { type: eventType } = (event ?? {}) as { type?: unknown }
    if (typeof eventType !== 'string') return
    this.#running.set(typeof id === 'string' ? id : eventType, timer(eventType, delay, now))
    this.#list = [...this.#running.values()]
  }

  /** Records a received event, which may come from a timer that has elapsed. */
  received(eventType: string): void {
    if (this.#running.size === 0) return
    if (this.#running.has(eventType)) return this.#end(eventType)
    for (const [id, { event }] of this.#running) if (event === eventType) return this.#end(id)
  }

  stopped(): void {
    this.#running.clear()
    this.#list = []
  }

  #end(id: string): void {
    if (this.#running.delete(id)) this.#list = [...this.#running.values()]
  }
}

function timer(event: string, delay: number, startedAt: number): Timer {
  if (!event.startsWith(AFTER)) return { event, delay, startedAt }
  const dot = event.indexOf('.', AFTER.length)
  return { event, name: event.slice(AFTER.length, dot), state: event.slice(dot + 1), delay, startedAt }
}
