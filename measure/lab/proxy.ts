import { connect, createServer, type Server, type Socket } from 'node:net'

export type Direction = 'toBroker' | 'toClient'

export interface ProxyOptions {
  /** The broker's port. */
  readonly target: number
  /** Told of all bytes, before any fault takes them. */
  readonly onBytes?: (direction: Direction, chunk: Buffer, link: object) => void
  /** The broker has taken a connection. */
  readonly onTaken?: () => void
}

/** A TCP proxy for one client, with faults that fall when somebody says so. */
export class Proxy implements AsyncDisposable {
  readonly #options: ProxyOptions
  readonly #links = new Set<ProxiedLink>()
  #server: Server | undefined
  #port = 0
  /** How long all bytes take, each way, in milliseconds. */
  delay = 0
  /** Takes new connections, and answers nothing. */
  blackHole = false
  /** The most sockets that the client held at one time. */
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

  /** The sockets that the client holds now. */
  get heldSockets(): number {
    return [...this.#links].filter((link) => link.heldByClient).length
  }

  /** Keeps what comes, until `resume`. */
  stall(...directions: Direction[]): void {
    for (const link of this.#links) link.stall(directions)
  }

  resume(): void {
    for (const link of this.#links) link.resume()
  }

  /** Lets half of the next chunk through and closes, so that a packet ends in its middle. */
  cutNext(direction: Direction): void {
    for (const link of this.#links) link.cutNext(direction)
  }

  /** RST, both ways. */
  reset(): void {
    for (const link of this.#links) link.end('reset')
  }

  /** Closes what the black hole has swallowed. */
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
    // The old connection's FIN may lie behind the new one's SYN in the same turn of this event loop.
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
  /** The client has not closed its end. */
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
      // While it is stalled nobody learns of anything.
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

  /** After everything that was passed on before. */
  #whenThrough(run: () => void): void {
    if (!this.#ended) this.#later(run)
  }

  /** After the delay, and never before what came earlier: the delay may have been longer then. */
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
