import type * as Codec from 'mqtt-packet'
import type { Packet, PacketCmd } from 'mqtt-packet'
import type { Duplex } from 'node:stream'

import { soon } from '../src/shared/soon.ts'
import { inUrl, listen } from './listener.ts'
import type { Listener, ListenHandlers } from './listener.ts'
import { LiveConnection } from './live-connection.ts'
import { listenInMemory, type MemoryListener } from './memory-listener.ts'
import type { RawSocket } from './memory-socket.ts'
import type { PacketOf, PublishFields } from './packets.ts'
import { importPeer } from './peer-dependency.ts'
import { perform, ScriptPlayer } from './script-player.ts'
import { behaviourOf } from './script.ts'
import type { Action, Script, ScriptedConnection } from './script.ts'
import { createTurns } from './serially.ts'
import type { TlsCredentials } from './tls-credentials.ts'
import { Waiters } from './wait-for.ts'
import type { Truthy, WaitOptions } from './wait-for.ts'

/** Options of `createScriptedServer`. */
export interface ScriptedServerOptions {
  /** How the server treats each connection. @default a minimal correct broker */
  script?: Script
  /**
   * With `memory` there are no sockets, ports and waits: pass `server.socket` to the client as the option `options.socket`.
   *
   * @default 'tcp'
   */
  transport?: 'tcp' | 'ws' | 'memory'
  /** Turns on TLS: the URL begins with `mqtts` or `wss`. Not with `memory`. @default no TLS */
  tls?: TlsCredentials
  /** @default '127.0.0.1' */
  host?: string
  /** The port to listen on. 0 takes a free port, and keeps it for `listen` after `close`. @default 0 */
  port?: number
}

/** An MQTT server that follows a test's script and records what it receives. */
export interface ScriptedServer extends AsyncDisposable {
  /** The URL for a client: `mqtt:`, `mqtts:`, `ws:` or `wss:`. */
  readonly url: string
  readonly port: number
  /**
   * Opens a connection to a server with the transport `memory`, for the client's option `options.socket`. It throws an error
   * with the code ECONNREFUSED after `close()`.
   */
  readonly socket: () => Duplex
  /** The topic filters that open connections have subscribed to, and not unsubscribed from. */
  readonly subscriptions: ReadonlySet<string>
  /** All connections that were accepted, in order. */
  readonly connections: readonly ScriptedConnection[]
  /** The newest open connection. */
  readonly current: ScriptedConnection | undefined
  /** The number of open sockets, with or without MQTT. */
  readonly openSockets: number
  /** The received packets of one kind from all connections, in the order of arrival. */
  received<C extends PacketCmd>(cmd: C): readonly PacketOf<C>[]
  /** Replaces the script for new connections. A list starts again at its first entry. */
  setScript(script: Script): void
  /**
   * Sends a packet to all open connections that have sent a CONNECT.
   *
   * @returns to how many connections it was sent
   */
  send(packet: Packet): number
  /**
   * Publishes to all open connections that have sent a CONNECT.
   *
   * @returns to how many connections it was sent
   */
  publish(topic: string, payload: string | Buffer, options?: PublishFields): number
  /**
   * Performs an action on all open connections.
   *
   * @param action - default `'close'`
   * @returns the number of these connections
   */
  kick(action?: Action): number
  /**
   * Waits until `count` packets of a kind have arrived since the server was created, and resolves to the last of them.
   *
   * @throws {Error} after `timeout` milliseconds of real time, or if the server closes
   */
  waitFor<C extends PacketCmd>(cmd: C, options?: WaitOptions & { count?: number }): Promise<PacketOf<C>>
  /** Waits until the predicate returns a truthy value, and resolves to it. The predicate runs now and after each change. */
  waitFor<T>(predicate: (server: ScriptedServer) => T, options?: WaitOptions): Promise<Truthy<T>>
  /** Listens again on the same port after `close`. Does nothing if the server is listening. */
  listen(): Promise<void>
  /** Destroys all connections and stops listening, so that new connections are refused. The records are kept. */
  close(): Promise<void>
}

/**
 * Starts a scripted MQTT server. It speaks 3.1.1 or 5, as the client's CONNECT requests.
 *
 * @example
 * await using server = await createScriptedServer({ script: [{ connack: { reasonCode: 0x88 } }, {}] })
 * @throws {Error} if an optional package is not installed: `mqtt-packet`, and `ws` for WebSocket
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
  readonly socket = (): Duplex => this.#connect()

  readonly #options: ScriptedServerOptions
  readonly #codec: typeof Codec
  readonly #received = new Map<PacketCmd, Packet[]>()
  readonly #byRaw = new WeakMap<RawSocket, LiveConnection>()
  readonly #inTurn = createTurns()
  readonly #waiters = new Waiters(() => this.#describe())
  #script: Script
  #scriptedFrom = 0
  #listener: Listener | undefined
  #memory: MemoryListener | undefined

  constructor(options: ScriptedServerOptions, codec: typeof Codec) {
    this.#options = options
    this.#codec = codec
    this.#script = options.script ?? {}
    this.port = options.port ?? 0
  }

  get url(): string {
    const { transport = 'tcp', tls, host = '127.0.0.1' } = this.#options
    if (transport === 'memory') return 'mqtt://in-memory.invalid'
    const scheme = (transport === 'ws' ? 'ws' : 'mqtt') + (tls ? 's' : '')
    return `${scheme}://${inUrl(host)}:${this.port}${transport === 'ws' ? '/mqtt' : ''}`
  }

  get current(): LiveConnection | undefined {
    return this.connections.findLast((connection) => connection.isOpen)
  }

  get subscriptions(): ReadonlySet<string> {
    const open = this.connections.filter((connection) => connection.isOpen)
    return new Set(open.flatMap((connection) => [...connection.subscriptions]))
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
      this.#memory = undefined
      this.#waiters.cancel()
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #open(): Promise<Listener> {
    const { transport = 'tcp', host = '127.0.0.1', tls } = this.#options
    const handlers: ListenHandlers = {
      accept: (raw) => this.#accept(raw),
      upgrade: (raw) => this.#byRaw.get(raw)?.behaviour.upgradeStatus,
      open: (link, raw) => this.#byRaw.get(raw)?.open(link),
      fault: (raw, fault) => this.#byRaw.get(raw)?.fault(fault),
    }
    if (transport !== 'memory') {
      return await listen({ transport, host, port: this.port, tls, neededBy: 'createScriptedServer' }, handlers)
    }
    if (tls) throw new Error('createScriptedServer has no TLS with the transport memory')
    this.#memory = listenInMemory(handlers)
    return this.#memory
  }

  #connect(): Duplex {
    if (this.#options.transport !== 'memory') {
      throw new Error("socket needs the option transport: 'memory' of createScriptedServer")
    }
    if (this.#memory) return this.#memory.connect()
    throw Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', syscall: 'connect' })
  }

  #accept(raw: RawSocket): boolean {
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
    // The listener removes the socket in the same event, so waiting conditions are checked after it.
    raw.once('close', () => soon(() => this.#waiters.changed()))
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
