import { Proxy } from '../lab/proxy.ts'

/** A proxy for each client, by its name. */
export class Network implements AsyncDisposable {
  readonly #proxies: ReadonlyMap<string, Proxy>

  /** @param targets - for each name the broker's port */
  static async open(targets: Readonly<Record<string, number>>): Promise<Network> {
    const opening = Object.entries(targets).map(
      async ([name, target]) => [name, await Proxy.start({ target })] as const,
    )
    return new Network(new Map(await Promise.all(opening)))
  }

  private constructor(proxies: ReadonlyMap<string, Proxy>) {
    this.#proxies = proxies
  }

  /** Always in the same order: by its place a fault chooses whom it falls upon. */
  get proxies(): readonly Proxy[] {
    return [...this.#proxies.values()]
  }

  without(names: readonly string[]): readonly Proxy[] {
    return [...this.#proxies].flatMap(([name, proxy]) => (names.includes(name) ? [] : [proxy]))
  }

  portOf(name: string): number {
    const proxy = this.#proxies.get(name)
    if (!proxy) throw new Error(`there is no proxy for ${name}`)
    return proxy.port
  }

  /** The most sockets that one client held at a time. */
  get mostSockets(): number {
    return Math.max(...this.proxies.map(({ mostSockets }) => mostSockets))
  }

  /** The sockets that all clients hold now. */
  get heldSockets(): number {
    return this.proxies.reduce((sum, { heldSockets }) => sum + heldSockets, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy[Symbol.asyncDispose]()))
  }
}
