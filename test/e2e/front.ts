import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { onTestFinished } from 'vitest'

/** A port through which clients reach a broker. It is closed when it is made, and after the test. */
export class Front {
  readonly #target: number
  readonly #links = new Map<Socket, Socket>()
  readonly #server: Server
  #port = 0

  static async to(broker: { readonly url: string }): Promise<Front> {
    const front = new Front(Number(new URL(broker.url).port))
    await front.open()
    await front.close()
    onTestFinished(() => front.close())
    return front
  }

  private constructor(target: number) {
    this.#target = target
    this.#server = createServer({ noDelay: true }, (client) => this.#accept(client))
  }

  get url(): string {
    return `mqtt://localhost:${this.#port}`
  }

  async open(): Promise<void> {
    this.#server.listen(this.#port, '127.0.0.1')
    await once(this.#server, 'listening')
    this.#port = (this.#server.address() as AddressInfo).port
  }

  /**
   * Closes the port and the connections. Clients see a FIN: if the sockets were destroyed, the system would reset those with
   * unread bytes.
   */
  async close(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    for (const [client, broker] of this.#links) {
      broker.unpipe(client).resume()
      client.end()
    }
    await closed
  }

  #accept(client: Socket): void {
    const broker = connect({ port: this.#target, host: '127.0.0.1', noDelay: true })
    this.#links.set(client, broker)
    for (const socket of [client, broker]) socket.on('error', () => {})
    client.on('close', () => {
      this.#links.delete(client)
      broker.destroy()
    })
    broker.on('close', () => client.end())
    client.pipe(broker).pipe(client)
  }
}
