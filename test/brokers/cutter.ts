import { connect, createServer, type Socket } from 'node:net'

/** A proxy between clients and a broker. It can cut all connections at once, even in the middle of a packet, and open again. */
export class Cutter {
  readonly #server = createServer((client) => this.#accept(client))
  readonly #sockets = new Set<Socket>()
  readonly #target: number
  #open = true

  private constructor(target: number) {
    this.#target = target
  }

  static async start(target: number): Promise<Cutter> {
    const cutter = new Cutter(target)
    await new Promise<void>((resolve) => cutter.#server.listen(0, '127.0.0.1', resolve))
    return cutter
  }

  get url(): string {
    return `mqtt://127.0.0.1:${(this.#server.address() as { port: number }).port}`
  }

  /** Bytes under way in either direction are lost. */
  cut(): void {
    this.#open = false
    for (const socket of this.#sockets) socket.destroy()
  }

  open(): void {
    this.#open = true
  }

  async close(): Promise<void> {
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #accept(client: Socket): void {
    if (!this.#open) return void client.destroy()
    const broker = connect({ port: this.#target, host: '127.0.0.1', noDelay: true })
    for (const [socket, other] of [
      [client, broker],
      [broker, client],
    ] as const) {
      this.#sockets.add(socket)
      socket.on('error', () => {})
      socket.on('close', () => {
        this.#sockets.delete(socket)
        other.destroy()
      })
      socket.pipe(other)
    }
  }
}
