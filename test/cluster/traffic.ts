import { eventually } from '../../measure/chaos/eventually.ts'
import type { ResilientMqttClient } from '../../src/index.ts'

/** Messages per second. */
const RATE = 40

/** What one fault did. Durations are in milliseconds. */
export interface FaultReport {
  /** The longest time in which no publish was acknowledged. */
  readonly withoutAck: number
  /** The longest time in which the subscriber received nothing. */
  readonly withoutMessage: number
  readonly published: number
  /** Messages that were acknowledged, and did not arrive. */
  readonly lost: number
  /** Messages that arrived more than once, which QoS 1 allows. */
  readonly duplicates: number
  /** How often each client lost its connection. */
  readonly interruptions: { readonly publisher: number; readonly subscriber: number }
}

/** Numbered messages with QoS 1, published at a constant rate, and what became of them. */
export class Traffic {
  readonly #publisher: ResilientMqttClient
  readonly #subscriber: ResilientMqttClient
  readonly #topic: string
  readonly #acknowledged = new Set<number>()
  readonly #received = new Map<number, number>()
  readonly #acks = new Gaps()
  readonly #messages = new Gaps()
  #last = 0
  #errors = 0
  #timer: ReturnType<typeof setInterval> | undefined

  constructor(publisher: ResilientMqttClient, subscriber: ResilientMqttClient, topic: string) {
    this.#publisher = publisher
    this.#subscriber = subscriber
    this.#topic = topic
  }

  /** Resolves when the first message has arrived. */
  async start(): Promise<void> {
    const subscription = this.#subscriber.subscribe(
      this.#topic,
      ({ payload }) => {
        const n = Number(new TextDecoder().decode(payload))
        this.#received.set(n, (this.#received.get(n) ?? 0) + 1)
        this.#messages.happened()
      },
      { qos: 1 },
    )
    await subscription.ready
    this.#timer = setInterval(() => this.#publish(), 1_000 / RATE)
    await eventually(() => this.#received.size > 0, 30_000)
  }

  /**
   * Resolves when the fault is over and what was acknowledged has arrived, or after a minute.
   *
   * @param strike - what happens, until it is over
   */
  async during(strike: () => Promise<void>): Promise<FaultReport> {
    const [from, before] = [this.#last, this.#duplicates]
    const [publisher, subscriber] = [interruptionsOf(this.#publisher), interruptionsOf(this.#subscriber)]
    this.#acks.restart()
    this.#messages.restart()
    await strike()
    const until = this.#last
    // What was published in the meantime may still wait in the outbox.
    await eventually(() => this.#settled(until) && this.#lost.length === 0, 60_000)
    return {
      withoutAck: this.#acks.longest,
      withoutMessage: this.#messages.longest,
      published: this.#last - from,
      lost: this.#lost.length,
      duplicates: this.#duplicates - before,
      interruptions: {
        publisher: interruptionsOf(this.#publisher) - publisher,
        subscriber: interruptionsOf(this.#subscriber) - subscriber,
      },
    }
  }

  /** Whether messages flow now: everything that was published before has arrived. */
  flows(within: number): Promise<boolean> {
    const until = this.#last + 1
    return eventually(() => this.#received.has(until) && this.#settled(until), within)
  }

  /** Stops publishing. Resolves to what was neither acknowledged nor received, and to the errors. */
  async stop(): Promise<{ readonly lost: number; readonly unsettled: number; readonly errors: number }> {
    clearInterval(this.#timer)
    await eventually(() => this.#settled(this.#last) && this.#lost.length === 0, 60_000)
    return { lost: this.#lost.length, unsettled: this.#last - this.#acknowledged.size, errors: this.#errors }
  }

  #publish(): void {
    const n = ++this.#last
    this.#publisher.publish(this.#topic, String(n), { qos: 1 }).then(
      () => {
        this.#acknowledged.add(n)
        this.#acks.happened()
      },
      () => void this.#errors++,
    )
  }

  #settled(until: number): boolean {
    for (let n = 1; n <= until; n++) if (!this.#acknowledged.has(n)) return false
    return true
  }

  get #lost(): number[] {
    return [...this.#acknowledged].filter((n) => !this.#received.has(n))
  }

  get #duplicates(): number {
    let sum = 0
    for (const times of this.#received.values()) sum += times - 1
    return sum
  }
}

/** The longest time between two occurrences. */
class Gaps {
  #since = performance.now()
  #longest = 0

  restart(): void {
    this.#longest = 0
    this.#since = performance.now()
  }

  happened(): void {
    const now = performance.now()
    this.#longest = Math.max(this.#longest, now - this.#since)
    this.#since = now
  }

  get longest(): number {
    return Math.max(this.#longest, performance.now() - this.#since)
  }
}

function interruptionsOf({ status }: ResilientMqttClient): number {
  return status.counters.interruptions
}
