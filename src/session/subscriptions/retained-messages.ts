import type { Clock } from '../../api/clock.ts'
import { canBeUnref } from '../outgoing/pause.ts'
import type { Subscriber } from './subscribers.ts'
import type { Wanted } from './wanted.ts'

/** Retained messages of a SUBSCRIBE are expected until none has come for so long, in milliseconds. */
const QUIET = 5_000

/** How many topics are remembered for each SUBSCRIBE. */
const MAX_TOPICS = 1_000

/** The subscribers that one SUBSCRIBE was for, and the topics of which they got the retained message. */
interface Wave {
  readonly subscribers: readonly Subscriber[]
  readonly topics: Set<string>
  /** Whether there were no earlier subscribers. */
  readonly isFirst: boolean
}

/**
 * Finds the subscribers that a retained message is for. A SUBSCRIBE for a filter that the broker holds brings all
 * retained messages again (MQTT 5 §3.8.4). They are for the subscriber that joined, and the others must not get them
 * twice: while they are expected, each subscriber gets one retained message for each topic, and those that subscribed
 * long ago get none.
 *
 * Only the flag tells a retained message from another one. If a subscriber wants it as it was published, the two look
 * alike, and all subscribers get both. If more topics arrive than are remembered, some messages come twice.
 */
export class RetainedMessages {
  readonly #clock: Clock
  readonly #time: () => number
  /** Created only for filters of which retained messages arrive, or that another subscriber joins. */
  #waves: Map<Wanted, readonly Wave[]> | undefined
  #timer: unknown

  constructor(clock: Clock, time: () => number) {
    this.#clock = clock
    this.#time = time
  }

  /** A SUBSCRIBE is about to be written. @param isForAll - whether no subscriber has got retained messages before */
  begin(wanted: Wanted, subscribers: readonly Subscriber[], isForAll: boolean): void {
    const earlier = this.#isExpected(wanted) ? this.#wavesOf(wanted) : []
    if (isForAll) this.#waves?.delete(wanted)
    else if (subscribers.length > 0) {
      const joining = new Set(subscribers)
      const others = earlier.map((wave) => ({
        ...wave,
        subscribers: wave.subscribers.filter((each) => !joining.has(each)),
      }))
      this.#remember(wanted, [...others, { subscribers, topics: new Set(), isFirst: false }])
    }
    wanted.retainedUntil = Number.POSITIVE_INFINITY
  }

  /** The SUBACK arrived. Some brokers send the retained messages before it, others after it. */
  answered(wanted: Wanted): void {
    wanted.retainedUntil = this.#time() + QUIET
  }

  /** The subscribers of these filters, of which at least one matches the topic, that have to get a retained message. */
  receivers(topic: string, matching: readonly Wanted[]): readonly Subscriber[] {
    const expecting = matching.filter((wanted) => this.#isExpected(wanted))
    if (expecting.length === 0) return matching.flatMap(({ subscribers }) => subscribers.list)
    return expecting.flatMap((wanted) => this.#receivers(topic, wanted))
  }

  /** The connection ended: what comes on the next one may be what was not acknowledged on this one. */
  reset(all: Iterable<Wanted>): void {
    for (const wanted of all) wanted.retainedUntil = 0
    this.#waves = undefined
  }

  /** A filter is no longer wanted. */
  forget(wanted: Wanted): void {
    this.#waves?.delete(wanted)
  }

  /** Clears the timer. */
  stop(): void {
    this.#clock.clearTimeout(this.#timer)
    this.#waves = undefined
  }

  #isExpected({ retainedUntil }: Wanted): boolean {
    return retainedUntil > 0 && this.#time() < retainedUntil
  }

  #receivers(topic: string, wanted: Wanted): readonly Subscriber[] {
    const { subscribers, request } = wanted
    if (request.retainAsPublished) return subscribers.list
    wanted.retainedUntil = Math.max(wanted.retainedUntil, this.#time() + QUIET)
    const waves = this.#wavesOf(wanted)
    this.#remember(wanted, waves)
    const missing = waves.filter(({ topics }) => !topics.has(topic))
    for (const { topics } of missing) if (topics.size < MAX_TOPICS) topics.add(topic)
    // No subscriber has joined. If the broker flags other messages as retained, they must not be taken for repetitions.
    if (waves.length === 1 && waves[0]?.isFirst) return subscribers.list
    return missing.flatMap((wave) => wave.subscribers.filter((each) => subscribers.has(each)))
  }

  /** Without others, all subscribers belong to one SUBSCRIBE. */
  #wavesOf(wanted: Wanted): readonly Wave[] {
    return this.#waves?.get(wanted) ?? [{ subscribers: wanted.subscribers.list, topics: new Set(), isFirst: true }]
  }

  #remember(wanted: Wanted, waves: readonly Wave[]): void {
    ;(this.#waves ??= new Map()).set(wanted, waves)
    this.#sweepLater()
  }

  /** Forgets the topics when no more retained messages are expected. */
  #sweepLater(): void {
    if (this.#timer !== undefined) return
    const timer = this.#clock.setTimeout(() => {
      this.#timer = undefined
      this.#sweep()
    }, QUIET)
    this.#timer = timer
    if (canBeUnref(timer)) timer.unref()
  }

  #sweep(): void {
    const waves = this.#waves
    if (!waves) return
    for (const wanted of waves.keys()) if (!this.#isExpected(wanted)) waves.delete(wanted)
    if (waves.size > 0) this.#sweepLater()
    else this.#waves = undefined
  }
}
