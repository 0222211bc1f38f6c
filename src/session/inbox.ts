import type { IncomingPublish, Link } from './link.ts'
import type { Subscriber } from './subscribers.ts'
import type { Subscriptions } from './subscriptions.ts'

/** Somebody who gets the messages of a filter. */
export interface Receiver extends Subscriber {
  /** When the broker gets its acknowledgement: at once, or when what `deliver` returned has resolved. */
  readonly ack: 'on-receipt' | 'after-handler'
  /** Never throws. What it returns resolves when the message is processed, and rejects if it could not be. */
  deliver(packet: IncomingPublish): Promise<void> | undefined
}

interface HeldBack {
  packet: IncomingPublish
  state: 'processing' | 'processed' | 'failed'
}

/** Brings messages to their receivers, and holds acknowledgements back until those are done. */
export class Inbox {
  readonly #subscriptions: Subscriptions<Receiver>
  /** Acknowledgements that are held back on the connection that is open now, in order. */
  #heldBack: HeldBack[] = []
  /** QoS 2 messages whose PUBCOMP is held back, by packet id: after a reconnect the broker releases them once more. */
  readonly #unreleased = new Map<number, HeldBack>()
  #link: Link | undefined

  constructor(subscriptions: Subscriptions<Receiver>) {
    this.#subscriptions = subscriptions
  }

  attached(link: Link, sessionPresent: boolean): void {
    this.#link = link
    // Those of the connection before are lost with it: the broker sends their messages again.
    this.#heldBack = []
    if (!sessionPresent) this.#unreleased.clear()
  }

  detached(link: Link): void {
    if (this.#link === link) this.#link = undefined
  }

  /** @returns whether its acknowledgement is held back */
  received(packet: IncomingPublish): boolean {
    const earlier = packet.qos === 2 ? this.#unreleased.get(packet.packetId) : undefined
    if (earlier && earlier.state !== 'failed') return this.#receivedAgain(earlier, packet)
    let processing: Promise<void>[] | undefined
    const receivers = this.#subscriptions.match(packet.topic, packet.properties?.subscriptionIdentifier)
    for (const receiver of receivers) {
      // A handler may end the subscription of another.
      if (receivers.length > 1 && !this.#subscriptions.has(receiver)) continue
      const processed = receiver.deliver(packet)
      if (processed && receiver.ack === 'after-handler') (processing ??= []).push(processed)
    }
    // Acknowledgements keep their order, so one that is held back holds back those behind it (MQTT-4.6.0-2).
    if (packet.qos === 0 || (!processing && this.#heldBack.length === 0)) return false
    this.#holdBack(packet, processing ?? [])
    return true
  }

  /** It was delivered on an earlier connection: exactly once means not again (MQTT 5 §4.3.3). */
  #receivedAgain(earlier: HeldBack, packet: IncomingPublish): boolean {
    earlier.packet = packet
    if (earlier.state === 'processed' && this.#heldBack.length === 0) return !this.#unreleased.delete(packet.packetId)
    this.#heldBack.push(earlier)
    return true
  }

  #holdBack(packet: IncomingPublish, processing: readonly Promise<void>[]): void {
    const heldBack: HeldBack = { packet, state: 'processing' }
    this.#heldBack.push(heldBack)
    if (packet.qos === 2) this.#unreleased.set(packet.packetId, heldBack)
    void Promise.all(processing).then(
      () => this.#done(heldBack, 'processed'),
      () => this.#done(heldBack, 'failed'),
    )
  }

  #done(heldBack: HeldBack, state: 'processed' | 'failed'): void {
    heldBack.state = state
    while (this.#link) {
      const [first] = this.#heldBack
      if (!first || first.state === 'processing') return
      this.#heldBack.shift()
      // A message that failed stays un-acked: the broker sends it again after the next reconnect.
      if (first.state === 'failed') continue
      if (first.packet.qos === 2) this.#unreleased.delete(first.packet.packetId)
      this.#link.acknowledge(first.packet)
    }
  }
}
