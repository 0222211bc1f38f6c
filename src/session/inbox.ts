import type { IncomingPublish, Link } from './link.ts'
import type { Subscriber, Subscriptions } from './subscriptions.ts'

/** Somebody who gets the messages of a filter. */
export interface Receiver extends Subscriber {
  /** When the broker gets its acknowledgement: at once, or when what `deliver` returned has resolved. */
  readonly ack: 'on-receipt' | 'after-handler'
  /** Never throws. What it returns resolves when the message is processed, and rejects if it could not be. */
  deliver(packet: IncomingPublish): Promise<void> | undefined
}

interface HeldBack {
  readonly packet: IncomingPublish
  state: 'processing' | 'processed' | 'failed'
}

/** Brings messages to their receivers, and holds acknowledgements back until those are done. */
export class Inbox {
  readonly #subscriptions: Subscriptions<Receiver>
  /** Acknowledgements that are held back on the connection that is open now, in order. */
  #heldBack: HeldBack[] = []
  #link: Link | undefined

  constructor(subscriptions: Subscriptions<Receiver>) {
    this.#subscriptions = subscriptions
  }

  attached(link: Link): void {
    this.#link = link
    // Those of the connection before are lost with it: the broker sends their messages again.
    this.#heldBack = []
  }

  /** @returns whether its acknowledgement is held back */
  received(packet: IncomingPublish): boolean {
    const processing: Promise<void>[] = []
    for (const receiver of this.#subscriptions.match(packet.topic)) {
      const processed = receiver.deliver(packet)
      if (processed && receiver.ack === 'after-handler') processing.push(processed)
    }
    // Acknowledgements keep their order, so one that is held back holds back those behind it (MQTT-4.6.0-2).
    if (packet.qos === 0 || (processing.length === 0 && this.#heldBack.length === 0)) return false
    this.#holdBack(packet, processing)
    return true
  }

  #holdBack(packet: IncomingPublish, processing: readonly Promise<void>[]): void {
    const heldBack: HeldBack = { packet, state: 'processing' }
    this.#heldBack.push(heldBack)
    void Promise.all(processing).then(
      () => this.#done(heldBack, 'processed'),
      () => this.#done(heldBack, 'failed'),
    )
  }

  #done(heldBack: HeldBack, state: 'processed' | 'failed'): void {
    heldBack.state = state
    for (;;) {
      const [first] = this.#heldBack
      if (!first || first.state === 'processing') return
      this.#heldBack.shift()
      // A message that failed stays un-acked: the broker sends it again after the next reconnect.
      if (first.state === 'processed') this.#link?.acknowledge(first.packet)
    }
  }
}
