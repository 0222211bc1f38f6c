import type { Socket } from 'node:net'
import type * as Codec from 'mqtt-packet'
import type { Packet, PacketCmd } from 'mqtt-packet'
import { behaviourOf } from './script.ts'
import type { Action, Script, ScriptedConnection } from './script.ts'
import { createTurns } from './serially.ts'
import { inUrl, listen } from './listener.ts'
import type { Listener } from './listener.ts'
import { LiveConnection } from './live-connection.ts'
import { importPeer } from './peer-dependency.ts'
import { perform, ScriptPlayer } from './script-player.ts'
import type { PacketOf, PublishFields } from './packets.ts'
import type { TlsCredentials } from './tls-credentials.ts'
import { Waiters } from './wait-for.ts'
import type { Truthy, WaitOptions } from './wait-for.ts'

export interface ScriptedServerOptions {
  /** How it behaves towards each connection. @default a minimal correct broker */
  script?: Script
  /** @default 'tcp' */
  transport?: 'tcp' | 'ws'
  /** Makes it `mqtts` or `wss`. */
  tls?: TlsCredentials
  /** @default '127.0.0.1' */
  host?: string
  /** 0 takes a free one, and keeps it over `close` and `listen`. @default 0 */
  port?: number
}

/** An MQTT server that does what a test tells it to, and remembers what it received. */
export interface ScriptedServer extends AsyncDisposable {
  /** Ready for `mqtt.connect`: `mqtt:`, `mqtts:`, `ws:` or `wss:`. */
  readonly url: string
  readonly port: number
  /** Every connection ever accepted, in order. */
  readonly connections: readonly ScriptedConnection[]
  /** The newest connection that is open. */
  readonly current: ScriptedConnection | undefined
  /** Sockets open at this moment, whether or not they speak MQTT. */
  readonly openSockets: number
  /** Packets of one kind over all connections, in order of arrival. */
  received<C extends PacketCmd>(cmd: C): readonly PacketOf<C>[]
  /** Replaces the script for connections to come; a list starts again at its first entry. */
  setScript(script: Script): void
  /** Sends a packet to every client that sent a CONNECT and is open; returns to how many. */
  send(packet: Packet): number
  /** Publishes to every such client; returns to how many. */
  publish(topic: string, payload: string | Buffer, options?: PublishFields): number
  /** Does something to every open connection; returns to how many. @default 'close' */
  kick(action?: Action): number
  /**
   * Waits until `count` packets of a kind have arrived since the server was made, and resolves to the last of these.
   *
   * @throws Error after `timeout` ms of real time, or when the server closes meanwhile.
   */
  waitFor<C extends PacketCmd>(cmd: C, options?: WaitOptions & { count?: number }): Promise<PacketOf<C>>
  /** Waits until the predicate is truthy and resolves to its value; it is asked now and after every change. */
  waitFor<T>(predicate: (server: ScriptedServer) => T, options?: WaitOptions): Promise<Truthy<T>>
  /** Listens again after `close`, on the same port. Nothing to do while it listens. */
  listen(): Promise<void>
  /** Cuts every connection and stops listening, so that connecting is refused. The records stay. */
  close(): Promise<void>
}

/**
 * Starts a scripted MQTT server on 3.1.1 and 5, following each client's CONNECT.
 *
 * @example
 * await using server = await createScriptedServer({ script: [{ connack: { reasonCode: 0x88 } }, {}] })
 * @throws Error when an optional package is not installed: `mqtt-packet`, and `ws` for WebSocket.
 */
export async function createScriptedServer(options: ScriptedServerOptions = {}): Promise<ScriptedServer> {
  const codec = await importPeer(() => import('mqtt-packet'), 'mqtt-packet', 'createScriptedServer')
  const server = new Server(options, codec)
  await server.listen()
  return server
}

class Server implements ScriptedServer {
  readonly connections: LiveConnection[] = []
  port: number

  readonly #options: ScriptedServerOptions
  readonly #codec: typeof Codec
  readonly #received = new Map<PacketCmd, Packet[]>()
  readonly #byRaw = new WeakMap<Socket, LiveConnection>()
  readonly #inTurn = createTurns()
  readonly #waiters = new Waiters(() => this.#describe())
  #script: Script
  #scriptedFrom = 0
  #listener: Listener | undefined

  constructor(options: ScriptedServerOptions, codec: typeof Codec) {
    this.#options = options
    this.#codec = codec
    this.#script = options.script ?? {}
    this.port = options.port ?? 0
  }

  get url(): string {
    const { transport = 'tcp', tls, host = '127.0.0.1' } = this.#options
    const scheme = (transport === 'ws' ? 'ws' : 'mqtt') + (tls ? 's' : '')
    return `${scheme}://${inUrl(host)}:${this.port}${transport === 'ws' ? '/mqtt' : ''}`
  }

  get current(): LiveConnection | undefined {
    return this.connections.findLast((connection) => connection.isOpen)
  }

  get openSockets(): number {
    return this.#listener?.sockets.size ?? 0
  }

  received<C extends PacketCmd>(cmd: C): readonly PacketOf<C>[] {
    return [...(this.#received.get(cmd) ?? [])] as PacketOf<C>[]
  }

  setScript(script: Script): void {
    this.#script = script
    this.#scriptedFrom = this.connections.length
  }

  send(packet: Packet): number {
    return this.#clients().filter((connection) => connection.send(packet)).length
  }

  publish(topic: string, payload: string | Buffer, options?: PublishFields): number {
    return this.#clients().filter((connection) => connection.publish(topic, payload, options)).length
  }

  kick(action: Action = 'close'): number {
    const open = this.connections.filter((connection) => connection.isOpen)
    for (const connection of open) perform(action, connection)
    return open.length
  }

  waitFor<C extends PacketCmd>(cmd: C, options?: WaitOptions & { count?: number }): Promise<PacketOf<C>>
  waitFor<T>(predicate: (server: ScriptedServer) => T, options?: WaitOptions): Promise<Truthy<T>>
  waitFor(
    wanted: PacketCmd | ((server: ScriptedServer) => unknown),
    { count = 1, ...options }: WaitOptions & { count?: number } = {},
  ): Promise<unknown> {
    if (typeof wanted === 'function') return this.#waiters.wait('a condition', () => wanted(this), options)
    const what = count === 1 ? wanted : `${count} × ${wanted}`
    return this.#waiters.wait(what, () => this.#received.get(wanted)?.[count - 1], options)
  }

  listen(): Promise<void> {
    return this.#inTurn(async () => {
      this.#listener ??= await this.#open()
      this.port = this.#listener.port
    })
  }

  close(): Promise<void> {
    return this.#inTurn(async () => {
      for (const connection of this.connections) connection.destroy()
      await this.#listener?.close()
      this.#listener = undefined
      this.#waiters.cancel()
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  #open(): Promise<Listener> {
    const { transport = 'tcp', host = '127.0.0.1', tls } = this.#options
    return listen(
      { transport, host, port: this.port, tls, neededBy: 'createScriptedServer' },
      {
        accept: (raw) => this.#accept(raw),
        upgrade: (raw) => this.#byRaw.get(raw)?.behaviour.upgradeStatus,
        open: (link, raw) => this.#byRaw.get(raw)?.open(link),
        fault: (raw, fault) => this.#byRaw.get(raw)?.fault(fault),
      },
    )
  }

  #accept(raw: Socket): boolean {
    const connection = new LiveConnection(this.connections.length + 1, raw, this.#codec)
    const player = new ScriptPlayer(connection)
    connection.behaviour = behaviourOf(this.#script, connection, connection.n - this.#scriptedFrom)
    connection.hooks = {
      packet: (packet) => {
        this.#remember(packet)
        player.receive(packet)
        this.#waiters.changed()
      },
      changed: () => this.#waiters.changed(),
    }
    this.connections.push(connection)
    this.#byRaw.set(raw, connection)
    // The listener forgets the socket in the same event, before anyone who waits for that looks.
    raw.once('close', () => queueMicrotask(() => this.#waiters.changed()))
    const normal = player.accept()
    this.#waiters.changed()
    return normal
  }

  #remember(packet: Packet): void {
    const alike = this.#received.get(packet.cmd)
    if (alike) alike.push(packet)
    else this.#received.set(packet.cmd, [packet])
  }

  #clients(): LiveConnection[] {
    return this.connections.filter((connection) => connection.connect && !connection.isEnding)
  }

  #describe(): string {
    const lines = this.connections.slice(-5).map(({ n, packets, ending, errors }) => {
      const got = packets.slice(-10).map(({ packet }) => packet.cmd)
      const state = ending ? `closed by ${ending.by} (${ending.how})` : 'open'
      return `#${n} ${state}: ${[...got, ...errors.map(({ message }) => `“${message}”`)].join(' ') || 'nothing'}`
    })
    return `Connections: ${this.connections.length}${lines.map((line) => `\n  ${line}`).join('')}`
  }
}
