import type { IncomingPublish } from '../../wire/packets.ts'
import type { HeldMessage } from './held-message.ts'

/** The QoS 2 messages whose PUBCOMP was not sent, by packet id. They outlive a connection, but not the session. */
export class ExactlyOnce {
  #packets: Map<number, IncomingPublish> | undefined
  /**
   * Those that receivers have seen, and whose PUBCOMP is held back. After a reconnect the broker sends their PUBREL again.
   */
  #unreleased: Map<number, HeldMessage> | undefined

  /** PUBLISH arrived. */
  received(packet: IncomingPublish): void {
    ;(this.#packets ??= new Map()).set(packet.packetId, packet)
  }

  packet(packetId: number): IncomingPublish | undefined {
    return this.#packets?.get(packetId)
  }

  /** The message, if its PUBREL arrived before. */
  earlier(packetId: number): HeldMessage | undefined {
    return this.#unreleased?.get(packetId)
  }

  /** PUBREL arrived, and the PUBCOMP of the message will be held back. Does nothing for another QoS. */
  released(message: HeldMessage): void {
    const { qos, packetId } = message.packet
    if (qos === 2) (this.#unreleased ??= new Map()).set(packetId, message)
  }

  /** PUBCOMP is sent. */
  completed(packetId: number): void {
    this.#unreleased?.delete(packetId)
    this.#packets?.delete(packetId)
  }

  /** The session is lost. */
  clear(): void {
    this.#unreleased = undefined
    this.#packets = undefined
  }
}
