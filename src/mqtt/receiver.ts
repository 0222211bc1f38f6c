import type { Packet } from 'mqtt-packet'

import type { Failure } from '../../machines/failure.ts'
import { nothing } from '../shared/nothing.ts'
import { type Frame, type FrameKind, Framer } from '../wire/framer.ts'
import { InvalidPacketError, packetName } from '../wire/invalid-packet.ts'
import { type Breach, beforeConnack } from './breach.ts'
import type { Attempt } from './client-options.ts'
import { CodeTranslator } from './code-translator.ts'
import { fromFirstBytes } from './failures.ts'
import type { Liveness } from './liveness.ts'
import type { PacketTap } from './packet-trace.ts'

export interface ReceiverPort {
  /** AUTH arrived. @throws {InvalidPacketError} */
  auth(frame: Frame): void
  /** The server broke a rule of MQTT. */
  breached(breach: Breach): void
  fail(failure: Failure): void
}

/** Takes the packets that carry data. */
export interface DataReceiver {
  /** @throws {InvalidPacketError} */
  received(kind: Exclude<FrameKind, 'control' | 'auth'>, frame: Frame): void
  /** Everything that had arrived is handled. */
  handled(): void
}

/** Hands on what arrives on one connection: all packets in the order in which they came, each before the next. */
export class Receiver {
  /** Set when the CONNACK is accepted. */
  link: DataReceiver | undefined
  /** Reports packets to the application. */
  tap: PacketTap | undefined
  /** Whether anything arrived after the CONNACK was accepted. */
  isAnswered = false
  /** Gives bytes to MQTT.js. A whole packet is handled before this returns. */
  parse: (bytes: Uint8Array) => void = nothing
  readonly #framer: Framer
  readonly #codes: CodeTranslator
  readonly #liveness: Pick<Liveness, 'heard'>
  readonly #port: ReceiverPort
  #hasBegun = false
  #isHeld = false
  #isClosed = false

  constructor(
    { maximumPacketSize, protocolVersion }: Attempt['connect'],
    liveness: Pick<Liveness, 'heard'>,
    port: ReceiverPort,
  ) {
    this.#liveness = liveness
    this.#framer = new Framer(maximumPacketSize)
    this.#codes = new CodeTranslator(protocolVersion)
    this.#port = port
  }

  /** Bytes arrived. They must not change later. */
  push(chunk: Uint8Array): void {
    if (this.#isClosed) return
    this.#liveness.heard(chunk.length)
    if (this.link) this.isAnswered = true
    else if (!this.#hasBegun) {
      this.#hasBegun = true
      const failure = fromFirstBytes(chunk)
      if (failure) return this.#port.fail(failure)
    }
    this.#framer.push(chunk)
    if (!this.#isHeld) this.#handle()
  }

  /** Puts the codes that the server sent into a packet that MQTT.js has parsed. */
  restore(packet: Packet): void {
    this.#codes.restore(packet)
  }

  /** Packets behind the one that is being handled wait. */
  hold(): void {
    this.#isHeld = true
  }

  /** Handles the packets that have waited. */
  release(): void {
    this.#isHeld = false
    this.#handle()
  }

  /** From now on nothing is handled. */
  close(): void {
    this.#isClosed = true
  }

  #handle(): void {
    const framer = this.#framer
    const port = this.#port
    const tap = this.tap?.isOn ? this.tap : undefined
    try {
      for (let kind = framer.next(); kind && !this.#isClosed; kind = framer.next()) {
        const { frame } = framer
        if (tap) {
          tap.received(kind, framer)
          // A handler of the application may have closed the connection.
          if (this.#isClosed) return
        }
        if (kind === 'control') {
          const bytes = this.#codes.translate(frame)
          if (bytes) this.parse(bytes)
          if (this.#isHeld) return
        } else if (kind === 'auth') port.auth(frame)
        else if (this.link) this.link.received(kind, frame)
        else port.breached(beforeConnack(packetName(frame.header)))
      }
      // The rest of such a packet may never come: the server may not speak MQTT at all.
      if (!this.link && isData(framer.begun)) port.breached(beforeConnack(packetName(framer.begun)))
      this.link?.handled()
    } catch (error) {
      if (!(error instanceof InvalidPacketError)) throw error
      port.breached(error)
    }
  }
}

/** Whether a packet must not come before the CONNACK. @param header - its first byte, or -1 for none */
function isData(header: number): boolean {
  return header >= 0 && header >> 4 !== AUTH
}

/** A packet type (MQTT 5 §2.1.2). */
const AUTH = 15
