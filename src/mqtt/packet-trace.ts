import type { MqttClient } from 'mqtt'

import type { PacketEvent } from '../api/packet-event.ts'
import { varintLength } from '../shared/byte-length.ts'
import { EndOfTurn } from '../shared/end-of-turn.ts'
import { type DecodedPublish, decodePublish } from '../wire/decode-publish.ts'
import { describePacket, packetType } from '../wire/describe-packet.ts'
import type { Frame, Framer, FrameKind } from '../wire/framer.ts'
import { type OnPacket, PacketScanner } from '../wire/packet-scanner.ts'
import { utf8 } from '../wire/text.ts'

type Stream = MqttClient['stream']

/**
 * Reports the packets of a client's connections to the handlers of `packetsend` and `packetreceive`, in the order of the wire:
 * packets of ours and those of MQTT.js. As long as there is no handler, no packet is looked at.
 */
export class PacketTrace {
  readonly #report: (packet: PacketEvent) => void
  /** The whole PUBLISH packets, if they are kept. */
  #publishes: WeakMap<PacketEvent, DecodedPublish> | undefined
  #isOn = false
  /** The taps of open connections. There may be two for a moment: one of them is being closed. */
  #taps: readonly PacketTap[] = []
  /** Those that are not reported yet. Created with the first. */
  #sent: PacketEvent[] | undefined
  #turn: EndOfTurn | undefined

  constructor(report: (packet: PacketEvent) => void) {
    this.#report = report
  }

  get isOn(): boolean {
    return this.#isOn
  }

  /** Whether PUBLISH packets are kept as a whole. */
  get keepsPublishes(): boolean {
    return this.#publishes !== undefined
  }

  /** From now on `publishOf` has the whole PUBLISH packets, with their payloads. */
  keepPublishes(): void {
    this.#publishes ??= new WeakMap()
  }

  /** The PUBLISH packet that an event describes. Its Topic Alias is not replaced by the topic. */
  publishOf(packet: PacketEvent): DecodedPublish | undefined {
    return this.#publishes?.get(packet)
  }

  /** A PUBLISH whose description is about to be reported. It may be malformed. */
  keep(packet: PacketEvent, frame: Frame, protocolVersion: 3 | 4 | 5): void {
    if (!this.#publishes || packet.topic === undefined) return
    this.#publishes.set(packet, decodePublish(frame, protocolVersion))
  }

  /** Turns it on or off, for open connections too. */
  turn(isOn: boolean): void {
    if (isOn === this.#isOn) return
    this.#isOn = isOn
    for (const tap of this.#taps) tap.turn(isOn)
  }

  /** Follows a connection, until `PacketTap.remove`. */
  follow(stream: Stream, protocolVersion: 3 | 4 | 5): PacketTap {
    const tap = new PacketTap(stream, protocolVersion, this)
    this.#taps = [...this.#taps, tap]
    if (this.#isOn) tap.turn(true)
    return tap
  }

  removed(tap: PacketTap): void {
    this.#taps = this.#taps.filter((each) => each !== tap)
  }

  /** A packet is being written. Its handlers must not interfere: they might write another one. */
  sent(packet: PacketEvent): void {
    ;(this.#sent ??= []).push(packet)
    this.#turn ??= new EndOfTurn(() => this.#reportSent())
    this.#turn.schedule()
  }

  /** A packet is about to be handled. */
  received(packet: PacketEvent): void {
    this.#turn?.flush()
    this.#report(packet)
  }

  #reportSent(): void {
    const sent = this.#sent
    this.#sent = undefined
    for (const packet of sent ?? []) this.#report(packet)
  }
}

/** Looks at the packets of one connection. */
export class PacketTap {
  readonly #stream: Stream
  readonly #protocolVersion: 3 | 4 | 5
  readonly #trace: PacketTrace
  /** The stream's own method, which is not the one of its prototype. */
  #ownWrite: PropertyDescriptor | undefined
  /** Of control packets; `undefined` until the first one begins. */
  #control: PacketScanner | undefined

  constructor(stream: Stream, protocolVersion: 3 | 4 | 5, trace: PacketTrace) {
    this.#stream = stream
    this.#protocolVersion = protocolVersion
    this.#trace = trace
  }

  /** Looks at what is written from now on, or no longer. Packets are whole at this moment: each is written in one turn. */
  turn(isOn: boolean): void {
    const stream = this.#stream
    this.#control = undefined
    if (!isOn) {
      if (this.#ownWrite) Object.defineProperty(stream, 'write', this.#ownWrite)
      // This uncovers the method of the prototype.
      else Reflect.deleteProperty(stream, 'write')
      return
    }
    this.#ownWrite = Object.getOwnPropertyDescriptor(stream, 'write')
    const write = stream.write as (...written: readonly unknown[]) => boolean
    const trace = this.#trace
    const onPacket: OnPacket = (packet, size, whole) => {
      const event: PacketEvent = { direction: 'sent', size, ...packet }
      if (whole) trace.keep(event, whole, this.#protocolVersion)
      trace.sent(event)
    }
    const scanner = new PacketScanner(this.#protocolVersion, onPacket, () => trace.keepsPublishes)
    stream.write = (chunk: string | Uint8Array, ...others: readonly unknown[]) => {
      const isTaken = write.call(stream, chunk, ...others)
      scanner.push(typeof chunk === 'string' ? utf8.encode(chunk) : chunk)
      return isTaken
    }
  }

  /** Whether anything looks at frames. */
  get isOn(): boolean {
    return this.#trace.isOn
  }

  /** A frame has arrived, and is about to be handled. */
  received(kind: FrameKind, { frame, isStart }: Framer): void {
    if (kind === 'control') return this.#controlReceived(frame, isStart)
    const length = frame.end - frame.start
    const type = packetType(frame.header)
    if (!type) return
    const packet = describePacket(type, frame, this.#protocolVersion) ?? { type }
    const event: PacketEvent = { direction: 'received', size: 1 + varintLength(length) + length, ...packet }
    if (kind === 'publish') this.#trace.keep(event, frame, this.#protocolVersion)
    this.#trace.received(event)
  }

  /** The connection is closed. */
  remove(): void {
    if (this.#trace.isOn) this.turn(false)
    this.#trace.removed(this)
  }

  #controlReceived({ bytes, start, end }: Frame, isStart: boolean): void {
    if (isStart) {
      this.#control ??= new PacketScanner(this.#protocolVersion, (packet, size) => {
        this.#trace.received({ direction: 'received', size, ...packet })
      })
    }
    this.#control?.push(bytes.subarray(start, end))
  }
}
