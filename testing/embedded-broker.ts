import type { Aedes, AuthenticateError, Client } from 'aedes'

import { inUrl, listen } from './listener.ts'
import type { ListenHandlers, Listener } from './listener.ts'
import type { RawSocket } from './memory-socket.ts'
import { importPeer } from './peer-dependency.ts'
import { within } from './real-time.ts'
import { createTurns } from './serially.ts'
import { readWhole } from './whole-reads.ts'

/** Options of `createEmbeddedBroker`. */
export interface EmbeddedBrokerOptions {
  /** @default '127.0.0.1' */
  host?: string
  /** The port to listen on. 0 takes a free port, and keeps it when the broker is stopped and started. @default 0 */
  port?: number
  /** Whether to listen for WebSocket too: `true` takes a free port. @default false */
  webSocket?: boolean | { port: number }
  /** Called for each CONNECT; returns whether the client may connect. @default all clients may connect */
  authenticate?: (username: string | undefined, password: string | undefined) => boolean
  /** The return code in the CONNACK that refuses a client: 4 bad user name or password, 5 not authorized. @default 5 */
  refusal?: 4 | 5
}

/** A message that a client published. A message that the client sends again with DUP may be reported twice. */
export interface PublishedMessage {
  readonly topic: string
  readonly payload: Buffer
  readonly qos: 0 | 1 | 2
  readonly retain: boolean
  readonly clientId: string
}

/** A real broker in this process, for tests and demos. It speaks MQTT 3.1.1 only. */
export interface EmbeddedBroker extends AsyncDisposable {
  /** `mqtt://host:port`. */
  readonly url: string
  /** `ws://host:port/mqtt`. Throws if the option `webSocket` is off. */
  readonly wsUrl: string
  readonly running: boolean
  /** The number of connected clients, whose CONNECT was accepted. */
  readonly clients: number
  /** How many messages clients have published since the broker was created, including before restarts. */
  readonly published: number
  /**
   * Calls `handler` for each message that a client publishes.
   *
   * @returns removes the handler
   */
  onPublish(handler: (message: PublishedMessage) => void): () => void
  /** Publishes to the subscribers. Rejects if the broker is not running. */
  publish(topic: string, payload: string | Buffer, options?: { qos?: 0 | 1 | 2; retain?: boolean }): Promise<void>
  /**
   * Destroys the socket of one client, or of all clients. The broker sends nothing first.
   *
   * @returns how many clients were connected
   */
  kick(clientId?: string): number
  /** Starts again on the same ports, without any session. Does nothing if the broker is running. */
  start(): Promise<void>
  /** Destroys all sockets at once, as if the process had been killed. Does nothing if the broker is stopped. */
  stop(): Promise<void>
}

/**
 * Starts an aedes broker in this process.
 *
 * @throws {Error} if an optional package is not installed: `aedes`, and `ws` with the option `webSocket`; and if fake timers
 *   have replaced `setImmediate`, without which aedes does not answer, or jsdom has hidden it
 */
export async function createEmbeddedBroker(options: EmbeddedBrokerOptions = {}): Promise<EmbeddedBroker> {
  const broker = new Broker(options)
  await broker.start()
  return broker
}

const NO_IMMEDIATE =
  'The embedded broker needs a real setImmediate. With vitest, leave it out of `toFake`; with jest, add ' +
  "`doNotFake: ['setImmediate']`, and use the test environment `node`"

/** Fake timers have their clock as a property. */
function hasImmediate(): boolean {
  return typeof globalThis.setImmediate === 'function' && !('clock' in globalThis.setImmediate)
}

class Broker implements EmbeddedBroker {
  published = 0

  readonly #options: EmbeddedBrokerOptions
  readonly #handlers = new Set<(message: PublishedMessage) => void>()
  readonly #clients = new Map<Client, RawSocket>()
  readonly #inTurn = createTurns()
  #run: Run | undefined
  #port: number
  #wsPort: number

  constructor(options: EmbeddedBrokerOptions) {
    this.#options = options
    this.#port = options.port ?? 0
    this.#wsPort = typeof options.webSocket === 'object' ? options.webSocket.port : 0
  }

  get url(): string {
    return `mqtt://${inUrl(this.#host)}:${this.#port}`
  }

  get wsUrl(): string {
    if (!this.#options.webSocket) throw new Error('wsUrl needs the option webSocket of createEmbeddedBroker')
    return `ws://${inUrl(this.#host)}:${this.#wsPort}/mqtt`
  }

  get running(): boolean {
    return this.#run !== undefined
  }

  get clients(): number {
    return this.#clients.size
  }

  onPublish(handler: (message: PublishedMessage) => void): () => void {
    this.#handlers.add(handler)
    return () => void this.#handlers.delete(handler)
  }

  async publish(
    topic: string,
    payload: string | Buffer,
    { qos = 0, retain = false }: { qos?: 0 | 1 | 2; retain?: boolean } = {},
  ): Promise<void> {
    const aedes = this.#run?.aedes
    if (!aedes) throw new Error('The embedded broker is not running: call start() first')
    await new Promise<void>((resolve, reject) => {
      aedes.publish({ cmd: 'publish', topic, payload, qos, retain, dup: false }, (error) => {
        if (error) reject(error)
        else resolve()
      })
    })
  }

  kick(clientId?: string): number {
    const chosen = [...this.#clients].filter(([client]) => clientId === undefined || client.id === clientId)
    for (const [client, raw] of chosen) {
      this.#clients.delete(client)
      raw.destroy()
    }
    return chosen.length
  }

  start(): Promise<void> {
    return this.#inTurn(async () => {
      this.#run ??= await this.#open()
    })
  }

  stop(): Promise<void> {
    return this.#inTurn(async () => {
      const run = this.#run
      if (!run) return
      this.#run = undefined
      this.#clients.clear()
      await Promise.all(run.listeners.map((listener) => listener.close()))
      await within(new Promise<void>((resolve) => run.aedes.close(resolve)), 2_000, 'closing the embedded broker')
    })
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop()
  }

  get #host(): string {
    return this.#options.host ?? '127.0.0.1'
  }

  async #open(): Promise<Run> {
    if (!hasImmediate()) throw new Error(NO_IMMEDIATE)
    const { Aedes } = await importPeer(() => import('aedes'), 'aedes', 'createEmbeddedBroker')
    const aedes = await Aedes.createBroker({
      authenticate: (_client, username, password, done) => {
        const { authenticate = () => true, refusal = 5 } = this.#options
        if (authenticate(username, password?.toString())) done(null, true)
        else done(refused(refusal), false)
      },
    })
    aedes.on('publish', (packet, client) => {
      // Messages without a client come from $SYS or from this object's publish(). A killed broker sends no wills.
      if (!client || this.#run?.aedes !== aedes) return
      this.#emit({ ...packet, payload: Buffer.from(packet.payload), clientId: client.id })
    })

    const rawOf = new WeakMap<Client, RawSocket>()
    const open: ListenHandlers['open'] = ({ stream, request }, raw) =>
      rawOf.set(aedes.handle(readWhole(stream), request), raw)
    // aedes emits this just before it sends the CONNACK, so a client that has its CONNACK is already counted.
    aedes.on('client', (client) => {
      const raw = rawOf.get(client)
      if (raw && !raw.destroyed) this.#clients.set(client, raw)
    })
    aedes.on('clientDisconnect', (client) => void this.#clients.delete(client))

    const listeners: Listener[] = []
    try {
      const tcp = await this.#listen('tcp', this.#port, open)
      listeners.push(tcp)
      this.#port = tcp.port
      if (this.#options.webSocket) {
        const ws = await this.#listen('ws', this.#wsPort, open)
        listeners.push(ws)
        this.#wsPort = ws.port
      }
    } catch (error) {
      await Promise.all(listeners.map((listener) => listener.close()))
      aedes.close()
      throw error
    }
    return { aedes, listeners }
  }

  #listen(transport: 'tcp' | 'ws', port: number, open: ListenHandlers['open']): Promise<Listener> {
    return listen({ transport, host: this.#host, port, neededBy: 'createEmbeddedBroker' }, { open })
  }

  #emit({ topic, payload, qos, retain, clientId }: PublishedMessage): void {
    this.published++
    for (const handler of this.#handlers) handler({ topic, payload, qos, retain, clientId })
  }
}

interface Run {
  aedes: Aedes
  listeners: Listener[]
}

function refused(returnCode: 4 | 5): AuthenticateError {
  const error: Error = Object.assign(new Error('not authorized'), { returnCode })
  return error as AuthenticateError
}
