import { Proxy } from '../lab/proxy.ts'

/** One proxy for each client, by the client's name. */
export class Network implements AsyncDisposable {
  readonly #proxies: ReadonlyMap<string, Proxy>

  /** @param targets - the broker's port for each name */
  static async open(targets: Readonly<Record<string, number>>): Promise<Network> {
    const opening = Object.entries(targets).map(
      async ([name, target]) => [name, await Proxy.start({ target })] as const,
    )
    return new Network(new Map(await Promise.all(opening)))
  }

  private constructor(proxies: ReadonlyMap<string, Proxy>) {
    this.#proxies = proxies
  }

  /** All proxies, always in the same order, so that a seed chooses the same ones. */
  get proxies(): readonly Proxy[] {
    return [...this.#proxies.values()]
  }

  without(names: readonly string[]): readonly Proxy[] {
    return [...this.#proxies].flatMap(([name, proxy]) => (names.includes(name) ? [] : [proxy]))
  }

  portOf(name: string): number {
    const proxy = this.#proxies.get(name)
    if (!proxy) throw new Error(`There is no proxy for ${name}`)
    return proxy.port
  }

  /** The highest number of sockets that one client held at the same time. */
  get mostSockets(): number {
    return Math.max(...this.proxies.map(({ mostSockets }) => mostSockets))
  }

  /** The number of sockets that all clients hold now. */
  get heldSockets(): number {
    return this.proxies.reduce((sum, { heldSockets }) => sum + heldSockets, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.proxies.map((proxy) => proxy[Symbol.asyncDispose]()))
  }
}
