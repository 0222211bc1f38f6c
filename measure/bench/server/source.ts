import type { Duplex } from 'node:stream'

import { windowOf } from '../window.ts'
import { contentOf } from './content.ts'
import { publish, type Wish } from './packets.ts'

/** How many bytes are written at a time with QoS 0. */
const CHUNK = 64 * 1_024
const LAST_PACKET_ID = 65_535

/** Sends messages to a client as fast as it reads and acknowledges them. */
export class Source {
  readonly #stream: Duplex
  readonly #qos: number
  readonly #message: ReturnType<typeof publish>
  readonly #chunk: Buffer
  #packetId = 0
  /** How many messages may be sent now. */
  #free: number

  constructor(stream: Duplex, wish: Wish, receiveMaximum: number) {
    const { qos, payloadBytes } = contentOf(wish.filter)
    this.#stream = stream
    this.#qos = qos
    this.#message = publish(wish, qos, payloadBytes)
    const { bytes } = this.#message
    this.#chunk = Buffer.concat(Array.from({ length: Math.ceil(CHUNK / bytes.length) }, () => bytes))
    this.#free = Math.min(windowOf(payloadBytes), receiveMaximum)
  }

  /** Counts a message as acknowledged. */
  acknowledged(): void {
    this.#free++
  }

  /** Sends what may be sent: with QoS 1 and 2 in a single write, with QoS 0 until the socket has enough. */
  send(): void {
    if (this.#stream.writableNeedDrain) return
    if (this.#qos === 0) while (this.#stream.writable && this.#stream.write(this.#chunk));
    else if (this.#free > 0) this.#stream.write(this.#batch())
  }

  #batch(): Buffer {
    const { bytes, packetIdAt } = this.#message
    const batch = Buffer.allocUnsafe(bytes.length * this.#free)
    for (let at = 0; at < batch.length; at += bytes.length) {
      bytes.copy(batch, at)
      this.#packetId = (this.#packetId % LAST_PACKET_ID) + 1
      batch.writeUInt16BE(this.#packetId, at + packetIdAt)
    }
    this.#free = 0
    return batch
  }
}
