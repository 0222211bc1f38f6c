import type { MqttClient } from 'mqtt'

import type { LinkEvents } from '../session/link.ts'
import { EndOfTurn } from '../shared/end-of-turn.ts'
import type { AckType } from '../wire/decode-ack.ts'
import { PacketBuffer, type ServerLimits } from '../wire/packet-buffer.ts'
import type { OutgoingPublish } from '../wire/packets.ts'
import type { Line } from './line.ts'

/**
 * How many bytes may be gathered, and how many may wait for the socket before publishes wait in the outbox. This is more
 * than the 16 KiB after which Node's streams ask for a pause: each write costs a system call.
 */
const MAX_BUFFERED = 65_536

export interface OutgoingOptions {
  readonly stream: MqttClient['stream']
  readonly protocolVersion: 3 | 4 | 5
  readonly limits: ServerLimits
  readonly events: Pick<LinkEvents, 'written' | 'writable'>
  readonly line: Pick<Line, 'sent'>
}

/**
 * Writes the packets that carry data. All packets of one turn are gathered and leave in one write, which costs one
 * system call and, on most networks, one packet of TCP.
 */
export class Outgoing {
  readonly #options: OutgoingOptions
  readonly #stream: MqttClient['stream']
  readonly #buffer: PacketBuffer
  readonly #turn = new EndOfTurn(() => this.flush())
  #isClosed = false
  /** How many publishes of QoS 0 are gathered. */
  #gathered = 0
  /** How many publishes of QoS 0 wait until the socket is drained. */
  #undrained = 0

  constructor(options: OutgoingOptions) {
    this.#options = options
    this.#stream = options.stream
    this.#buffer = new PacketBuffer(options.protocolVersion, options.limits)
    this.#stream.on('drain', () => this.#drained())
  }

  /** Whether more can be written without filling memory. If not, `onWritable` is called later. */
  get writable(): boolean {
    const { writableNeedDrain, writableObjectMode, writableLength } = this.#stream
    // A stream emits `drain` only if it asked for a pause.
    if (this.#isClosed || !writableNeedDrain) return !this.#isClosed
    // MQTT.js's stream for the WebSocket of a browser counts chunks, and not bytes.
    return !writableObjectMode && writableLength + this.#buffer.size < MAX_BUFFERED
  }

  /** Whether the socket has taken everything. */
  get isFlushed(): boolean {
    return this.#buffer.size === 0 && this.#stream.writableLength === 0
  }

  /** @throws {UnencodablePacketError} nothing is sent then */
  publish(packet: OutgoingPublish, packetId: number, dup: boolean): void {
    if (this.#isClosed) return
    this.#buffer.publish(packet, packetId, dup)
    if (packet.qos === 0) this.#gathered++
    this.#schedule()
  }

  /** @param reasonCode - MQTT 3.1.1 has none */
  ack(type: AckType, packetId: number, reasonCode = 0): void {
    if (this.#isClosed) return
    this.#buffer.ack(type, packetId, reasonCode)
    this.#schedule()
  }

  /** Writes what is gathered. Packets that MQTT.js writes next follow it. */
  flush(): void {
    if (this.#isClosed || this.#buffer.size === 0) return
    this.write(...this.#buffer.take())
    const count = this.#gathered
    this.#gathered = 0
    if (this.#stream.writableNeedDrain) this.#undrained += count
    else if (count > 0) this.#options.events.written(count)
  }

  /** Writes bytes at once. They overtake what is gathered. */
  write(...parts: readonly Uint8Array[]): void {
    const stream = this.#stream
    let bytes = 0
    if (parts.length > 1) stream.cork()
    for (const part of parts) {
      bytes += part.length
      stream.write(part)
    }
    if (parts.length > 1) stream.uncork()
    this.#options.line.sent(bytes)
  }

  /** From now on nothing is written. */
  close(): void {
    this.#isClosed = true
  }

  #schedule(): void {
    if (this.#buffer.size >= MAX_BUFFERED) this.flush()
    else this.#turn.schedule()
  }

  #drained(): void {
    if (this.#isClosed) return
    const count = this.#undrained
    this.#undrained = 0
    const { events } = this.#options
    if (count > 0) events.written(count)
    events.writable()
  }
}
