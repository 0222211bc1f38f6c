import type * as Codec from 'mqtt-packet'
import type { IConnectPacket, IPublishPacket, Packet, PacketCmd } from 'mqtt-packet'
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'

import { soon } from '../src/shared/soon.ts'
import type { Link } from './listener.ts'
import type { RawSocket } from './memory-socket.ts'
import type { DisconnectFields, PacketOf, PublishFields, ReceivedPacket } from './packets.ts'
import { clearRealTimeout, realNow, setRealTimeout } from './real-time.ts'
import type { Behaviour, Ending, ScriptedConnection } from './script.ts'

export interface ConnectionHooks {
  packet(packet: Packet): void
  changed(): void
}

/** The implementation of a scripted connection. Only the server creates it. */
export class LiveConnection implements ScriptedConnection {
  readonly n: number
  readonly packets: ReceivedPacket[] = []
  readonly errors: Error[] = []
  readonly subscriptions = new Set<string>()
  readonly openedAt = realNow()
  behaviour: Behaviour = {}
  connect: IConnectPacket | undefined
  ending: Ending | undefined
  mostInFlight = 0
  hooks: ConnectionHooks | undefined

  readonly #codec: typeof Codec
  readonly #raw: RawSocket
  readonly #timers = new Set<ReturnType<typeof setTimeout>>()
  readonly #unacked = new Set<number>()
  #stream: Duplex | undefined
  #webSocket: WebSocket | undefined
  #verdict: Pick<Ending, 'by' | 'how'> | undefined
  #lastPacketId = 0

  constructor(n: number, raw: RawSocket, codec: typeof Codec) {
    this.n = n
    this.#raw = raw
    this.#codec = codec
    raw.once('close', () => this.#webSocket ?? this.#end())
  }

  get isOpen(): boolean {
    return this.ending === undefined
  }

  /** Whether either side has begun to close. From then on, the server answers nothing. */
  get isEnding(): boolean {
    return this.#verdict !== undefined || !this.isOpen
  }

  received<C extends PacketCmd>(cmd: C): PacketOf<C>[] {
    return this.packets.map(({ packet }) => packet).filter((packet): packet is PacketOf<C> => packet.cmd === cmd)
  }

  open({ stream, webSocket }: Link): void {
    this.#stream = stream
    this.#webSocket = webSocket
    const settings: { protocolVersion?: number } = {}
    const parser = this.#codec.parser(settings)
    parser.on('packet', (packet) => {
      if (packet.cmd === 'connect') settings.protocolVersion = packet.protocolVersion ?? 4
      this.#receive(packet)
    })
    parser.on('error', (error: Error) => this.refuse(error))
    stream.on('data', (chunk: Buffer) => !this.isEnding && this.#parse(parser, chunk))
    // The listener reports errors of TCP and TLS. These are errors of WebSocket frames.
    if (webSocket) stream.on('error', (error) => this.#blame(error))
    webSocket?.once('close', (status) => this.#end(status))
  }

  fault(fault: Error | 'end'): void {
    if (fault === 'end') this.#decide('client', 'fin')
    else if (isReset(fault)) this.#decide('client', 'reset')
    else this.#blame(fault)
  }

  /** Records what the client did wrong and closes the connection, as MQTT requires (MQTT 3.1.1 §4.8, MQTT 5 §4.13). */
  refuse(error: Error): void {
    this.#blame(error)
    this.close()
  }

  /** Runs `work` after `ms` milliseconds, unless the connection closes first. */
  later(ms: number, work: () => void): void {
    const timer = setRealTimeout(() => {
      this.#timers.delete(timer)
      work()
    }, ms)
    this.#timers.add(timer)
  }

  send(packet: Packet): boolean {
    const bytes = this.#codec.generate(packet, { protocolVersion: this.connect?.protocolVersion ?? 4 })
    if (settlesPublish(packet)) this.#unacked.delete(packet.messageId ?? 0)
    return this.write(bytes)
  }

  publish(topic: string, payload: string | Buffer, options: PublishFields = {}): boolean {
    const { qos = 0, retain = false, dup = false, properties = {} } = options
    const packet: IPublishPacket = { cmd: 'publish', topic, payload, qos, retain, dup, properties }
    if (qos > 0) packet.messageId = options.messageId ?? this.#nextPacketId()
    return this.send(packet)
  }

  write(bytes: Uint8Array): boolean {
    const out = this.#stream ?? this.#raw
    if (!out.writable) return false
    out.write(bytes)
    return true
  }

  disconnect({ reasonCode = 0, ...properties }: DisconnectFields = {}): boolean {
    return this.connect?.protocolVersion === 5 && this.send({ cmd: 'disconnect', reasonCode, properties })
  }

  close(status?: number, reason?: string): void {
    this.hangUp('server', 'fin', status, reason)
  }

  /** Closes the connection, and records which side ended it and how. */
  hangUp(by: Ending['by'], how: Ending['how'], status?: number, reason?: string): void {
    if (!this.isOpen) return
    this.#decide(by, how)
    if (this.#webSocket) this.#webSocket.close(status, reason)
    else (this.#stream ?? this.#raw).end()
    // The wait is limited, because a client that never sends its FIN would keep the socket open.
    this.later(1_000, () => this.#raw.destroy())
  }

  reset(): void {
    if (!this.isOpen) return
    this.#decide('server', 'reset')
    // Node's resetAndDestroy first flushes and sends a FIN, and the client might see only the FIN. This skips both.
    this.#raw._final = (done) => done()
    this.#raw.resetAndDestroy().destroy()
  }

  /** Destroys the socket without a DISCONNECT or a Close frame, as if the process had been killed. */
  destroy(): void {
    if (!this.isOpen) return
    this.#decide('server', 'fin')
    this.#raw.destroy()
  }

  // For malformed bytes, the parser usually emits an error, but it may also throw.
  #parse(parser: Codec.Parser, chunk: Buffer): void {
    try {
      parser.parse(chunk)
    } catch (error) {
      this.refuse(error instanceof Error ? error : new Error(String(error)))
    }
  }

  #receive(packet: Packet): void {
    if (this.isEnding) return
    this.packets.push({ packet, at: realNow() })
    if (packet.cmd === 'connect') this.connect ??= packet
    if (packet.cmd === 'publish' && packet.qos > 0) this.#unacked.add(packet.messageId ?? 0)
    this.mostInFlight = Math.max(this.mostInFlight, this.#unacked.size)
    try {
      this.hooks?.packet(packet)
    } catch (error) {
      // An error in the script, or a failed expectation in it, must fail the test. It must not count as malformed bytes.
      soon(() => {
        throw error
      })
    }
  }

  #blame(error: Error): void {
    this.errors.push(error)
    this.hooks?.changed()
  }

  // The first side to act counts. The FIN that answers a FIN does not matter.
  #decide(by: Ending['by'], how: Ending['how']): void {
    this.#verdict ??= { by, how }
  }

  #end(status?: number): void {
    if (!this.isOpen) return
    for (const timer of this.#timers) clearRealTimeout(timer)
    this.#timers.clear()
    const verdict = this.#verdict ?? { by: 'client', how: 'fin' }
    this.ending = { ...verdict, ...(status === undefined ? {} : { status }), at: realNow() }
    this.hooks?.changed()
  }

  #nextPacketId(): number {
    this.#lastPacketId = (this.#lastPacketId % 0xffff) + 1
    return this.#lastPacketId
  }
}

function isReset(error: Error): boolean {
  return ['ECONNRESET', 'EPIPE'].includes((error as NodeJS.ErrnoException).code ?? '')
}

// MQTT 5 §4.9: PUBACK, PUBCOMP, or PUBREC with a code of 0x80 or more increase the send quota.
function settlesPublish(packet: Packet): boolean {
  if (packet.cmd === 'pubrec') return (packet.reasonCode ?? 0) >= 0x80
  return packet.cmd === 'puback' || packet.cmd === 'pubcomp'
}
