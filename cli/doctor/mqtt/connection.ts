import type { IConnectPacket, Packet } from 'mqtt-packet'
import type { Duplex } from 'node:stream'

import type { Failure } from '../../../machines/failure.ts'
import { fromError, fromFirstBytes } from '../../../src/mqtt/failures.ts'
import { type Lab, within } from '../lab.ts'
import { type Outcome, TIMED_OUT } from '../way.ts'
import { CONNACK, DISCONNECT, encode, PacketReader, PINGRESP, type Received, type Version } from './packets.ts'

export interface Login {
  readonly username?: string | undefined
  readonly password?: string | Uint8Array | undefined
}

export interface ConnectFields {
  readonly version: Version
  readonly clientId: string
  readonly login: Login
  /** In seconds; 0 turns it off. */
  readonly keepalive: number
}

/** One connection of the doctor. It keeps no session, has no will, and does nothing by itself: it sends no PINGREQ either. */
export class Connection {
  readonly version: Version
  readonly connack: Received
  /** Resolves when it ends, with the reason. */
  readonly ended: Promise<Failure>
  /** How it ended; `undefined` while it is open. */
  failure: Failure | undefined
  /** Gets each packet that arrives. */
  onPacket: (packet: Received) => void = () => {}
  readonly #lab: Lab
  readonly #stream: Duplex
  #packetId = 0

  /** Sends a CONNECT and waits for the CONNACK. A code other than 0 is an outcome, too: the connection has ended then. */
  static async open(lab: Lab, stream: Duplex, fields: ConnectFields): Promise<Outcome<Connection>> {
    const incoming = new Incoming(stream, fields.version)
    stream.write(encode(connectPacket(fields), fields.version))
    const first = new Promise<Outcome<Received>>((resolve) => {
      incoming.onPacket = (packet) => resolve({ value: packet })
      void incoming.ended.then((failure) => resolve({ failure: early(failure) }))
    })
    const outcome = (await within(lab, 'the CONNACK', lab.patience, first)) ?? { failure: TIMED_OUT }
    if ('failure' in outcome) {
      stream.destroy()
      return outcome
    }
    if (outcome.value.type !== CONNACK) {
      stream.destroy()
      return { failure: { kind: 'protocol', message: `a packet of type ${outcome.value.type} instead of a CONNACK` } }
    }
    return { value: new Connection(lab, stream, incoming, fields.version, outcome.value) }
  }

  private constructor(lab: Lab, stream: Duplex, incoming: Incoming, version: Version, connack: Received) {
    this.#lab = lab
    this.#stream = stream
    this.version = version
    this.connack = connack
    this.ended = incoming.ended
    void incoming.ended.then((failure) => (this.failure = failure))
    incoming.onPacket = (packet) => this.onPacket(packet)
    if (this.code !== 0) stream.destroy()
  }

  /** The code of the CONNACK. */
  get code(): number {
    return this.connack.codes[0] ?? 0
  }

  nextPacketId(): number {
    this.#packetId = (this.#packetId % 65_535) + 1
    return this.#packetId
  }

  send(packet: Packet): void {
    if (this.failure === undefined) this.#stream.write(encode(packet, this.version))
  }

  /** Sends a packet and waits for its answer. */
  async exchange(
    packet: Packet,
    isAnswer: (received: Received) => boolean,
    { what, atMost = this.#lab.patience }: { readonly what: string; readonly atMost?: number },
  ): Promise<Outcome<Received>> {
    const { onPacket } = this
    const answer = new Promise<Outcome<Received>>((resolve) => {
      this.onPacket = (received) => {
        onPacket(received)
        if (isAnswer(received)) resolve({ value: received })
      }
      void this.ended.then((failure) => resolve({ failure }))
    })
    this.send(packet)
    const outcome = await within(this.#lab, what, atMost, answer)
    this.onPacket = onPacket
    return outcome ?? { failure: TIMED_OUT }
  }

  ping(atMost?: number): Promise<Outcome<Received>> {
    const isAnswer = ({ type }: Received) => type === PINGRESP
    return this.exchange({ cmd: 'pingreq' }, isAnswer, {
      what: 'the PINGRESP',
      ...(atMost !== undefined && { atMost }),
    })
  }

  close(): void {
    if (this.failure === undefined && !this.#stream.destroyed) {
      this.#stream.end(encode({ cmd: 'disconnect' }, this.version))
    }
    // A server that does not close its side must not hold the process.
    this.#stream.once('finish', () => this.#stream.destroy())
    if (this.#stream.writableFinished) this.#stream.destroy()
  }
}

/** What arrives on a connection until it ends. */
class Incoming {
  readonly ended: Promise<Failure>
  onPacket: (packet: Received) => void = () => {}

  constructor(stream: Duplex, version: Version) {
    const reader = new PacketReader(version)
    let isFirst = true
    this.ended = new Promise((resolve) => {
      stream.on('error', (error) => resolve(fromError(error, undefined)))
      stream.once('end', () => resolve({ kind: 'closed' }))
      stream.once('close', () => resolve({ kind: 'closed' }))
      stream.on('data', (bytes: Buffer) => {
        const other = isFirst ? fromFirstBytes(bytes) : undefined
        isFirst = false
        if (other) return resolve(other)
        try {
          for (const packet of reader.read(bytes)) {
            this.onPacket(packet)
            // The close that follows it gives no reason.
            if (packet.type === DISCONNECT) resolve(disconnected(packet))
          }
        } catch (error) {
          resolve({ kind: 'protocol', message: (error as Error).message })
          stream.destroy()
        }
      })
    })
  }
}

function connectPacket({ version, clientId, login, keepalive }: ConnectFields): IConnectPacket {
  const { username, password } = login
  return {
    cmd: 'connect',
    protocolId: 'MQTT',
    protocolVersion: version,
    clientId,
    clean: true,
    keepalive,
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password: toBuffer(password) }),
  }
}

function toBuffer(password: string | Uint8Array): Buffer {
  return Buffer.from(password as Uint8Array)
}

function disconnected({ codes, reasonString }: Received): Failure {
  return { kind: 'disconnected', reasonCode: codes[0] ?? 0, ...(reasonString !== undefined && { reasonString }) }
}

function early(failure: Failure): Failure {
  const isByServer = failure.kind === 'closed' || (failure.kind === 'socket' && failure.code === 'ECONNRESET')
  return isByServer ? { ...failure, beforeConnack: true } : failure
}
