import { connect, createServer, type Server, type Socket } from 'node:net'

export type Direction = 'toBroker' | 'toClient'

export interface ProxyOptions {
  /** The broker's port. */
  readonly target: number
  /** Called with all bytes, before any fault affects them. */
  readonly onBytes?: (direction: Direction, chunk: Buffer, link: object) => void
  /** Called when the broker has accepted a connection. */
  readonly onTaken?: () => void
}

/** A TCP proxy for one client that can produce faults. */
export class Proxy implements AsyncDisposable {
  readonly #options: ProxyOptions
  readonly #links = new Set<ProxiedLink>()
  #server: Server | undefined
  #port = 0
  /** The delay of all bytes in each direction, in milliseconds. */
  delay = 0
  /** Whether new connections are accepted but never answered. */
  blackHole = false
  /** The highest number of sockets that the client held at the same time. */
  mostSockets = 0

  static async start(options: ProxyOptions): Promise<Proxy> {
    const proxy = new Proxy(options)
    const server = createServer({ noDelay: true }, (socket) => proxy.#accept(socket))
    proxy.#server = server
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    proxy.#port = (server.address() as { port: number }).port
    return proxy
  }

  private constructor(options: ProxyOptions) {
    this.#options = options
  }

  get port(): number {
    return this.#port
  }

  /** The number of sockets that the client holds now. */
  get heldSockets(): number {
    return [...this.#links].filter((link) => link.heldByClient).length
  }

  /** Holds back all bytes in these directions until `resume`. */
  stall(...directions: Direction[]): void {
    for (const link of this.#links) link.stall(directions)
  }

  resume(): void {
    for (const link of this.#links) link.resume()
  }

  /** Passes on half of the next chunk and closes the link, so that a packet is cut in the middle. */
  cutNext(direction: Direction): void {
    for (const link of this.#links) link.cutNext(direction)
  }

  /** Sends an RST to both sides. */
  reset(): void {
    for (const link of this.#links) link.end('reset')
  }

  /** Closes the connections that were accepted but never answered. */
  closeSwallowed(): void {
    for (const link of this.#links) if (link.swallowed) link.end('close')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const link of this.#links) link.end('close')
    await new Promise((resolve) => this.#server?.close(resolve))
  }

  #accept(client: Socket): void {
    const link = new ProxiedLink(client, this.blackHole ? undefined : connect(this.#options.target, '127.0.0.1'), {
      delay: () => this.delay,
      onBytes: (direction, chunk) => this.#options.onBytes?.(direction, chunk, link),
      onTaken: () => this.#options.onTaken?.(),
      onEnd: () => this.#links.delete(link),
    })
    this.#links.add(link)
    // In the same turn of the event loop, the FIN of the old connection may come after the SYN of the new one.
    setImmediate(() => setImmediate(() => this.#countSockets()))
  }

  #countSockets(): void {
    this.mostSockets = Math.max(this.mostSockets, this.heldSockets)
  }
}

interface LinkHooks {
  readonly delay: () => number
  readonly onBytes: (direction: Direction, chunk: Buffer) => void
  readonly onTaken: () => void
  readonly onEnd: () => void
}

class ProxiedLink {
  readonly #client: Socket
  readonly #broker: Socket | undefined
  readonly #hooks: LinkHooks
  #onTheirWay: { readonly due: number; readonly run: () => void }[] = []
  #timer: ReturnType<typeof setTimeout> | undefined
  readonly #stalled = new Map<Direction, Buffer[]>()
  #cut: Direction | undefined
  /** Whether the client has not closed its side. */
  heldByClient = true
  #ended = false

  constructor(client: Socket, broker: Socket | undefined, hooks: LinkHooks) {
    this.#client = client
    this.#broker = broker
    this.#hooks = hooks
    client.setNoDelay(true)
    broker?.setNoDelay(true)
    client.on('data', (chunk: Buffer) => this.#take('toBroker', chunk))
    client.on('end', () => (this.heldByClient = false))
    client.on('close', () => {
      this.heldByClient = false
      this.#whenThrough(() => this.end('close'))
    })
    client.on('error', () => {})
    if (!broker) return
    broker.once('connect', hooks.onTaken)
    broker.on('data', (chunk: Buffer) => this.#take('toClient', chunk))
    broker.on('error', () => {})
    broker.on('close', () => {
      // A stalled direction does not pass on the close either.
      if (!this.#stalled.has('toClient')) this.#whenThrough(() => this.end('close'))
    })
  }

  get swallowed(): boolean {
    return this.#broker === undefined
  }

  stall(directions: readonly Direction[]): void {
    for (const direction of directions) this.#stalled.set(direction, this.#stalled.get(direction) ?? [])
  }

  resume(): void {
    for (const [direction, chunks] of this.#stalled) {
      this.#stalled.delete(direction)
      for (const chunk of chunks) this.#pass(direction, chunk)
    }
    if (this.#broker?.destroyed) this.end('close')
  }

  cutNext(direction: Direction): void {
    this.#cut = direction
  }

  end(how: 'close' | 'reset'): void {
    if (this.#ended) return
    this.#ended = true
    clearTimeout(this.#timer)
    this.#onTheirWay = []
    for (const socket of [this.#client, this.#broker]) {
      if (how === 'reset') socket?.resetAndDestroy()
      else socket?.destroy()
    }
    this.#hooks.onEnd()
  }

  #take(direction: Direction, chunk: Buffer): void {
    this.#hooks.onBytes(direction, chunk)
    if (!this.#broker) return
    const stalled = this.#stalled.get(direction)
    if (stalled) return void stalled.push(chunk)
    if (this.#cut === direction && chunk.length > 1) {
      this.#pass(direction, chunk.subarray(0, Math.ceil(chunk.length / 2)))
      return this.#whenThrough(() => this.end('close'))
    }
    this.#pass(direction, chunk)
  }

  #pass(direction: Direction, chunk: Buffer): void {
    this.#later(() => (direction === 'toBroker' ? this.#broker : this.#client)?.write(chunk))
  }

  /** Runs a function after all bytes that were passed on before. */
  #whenThrough(run: () => void): void {
    if (!this.#ended) this.#later(run)
  }

  /** Runs a function after the delay, but not before earlier functions, whose delay may have been longer. */
  #later(run: () => void): void {
    const delay = this.#hooks.delay()
    if (delay === 0 && this.#onTheirWay.length === 0) return run()
    const due = Math.max(performance.now() + delay, this.#onTheirWay.at(-1)?.due ?? 0)
    this.#onTheirWay.push({ due, run })
    this.#wait()
  }

  #wait(): void {
    const [first] = this.#onTheirWay
    if (!first || this.#timer !== undefined) return
    this.#timer = setTimeout(() => {
      this.#timer = undefined
      const now = performance.now()
      while (this.#onTheirWay[0] && this.#onTheirWay[0].due <= now) this.#onTheirWay.shift()?.run()
      this.#wait()
    }, first.due - performance.now())
  }
}
