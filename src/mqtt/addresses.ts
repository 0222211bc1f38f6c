import { type Lookup, nodeModule } from './node-module.ts'
import type { AnySocket } from './traffic.ts'

/**
 * The addresses of server names. One that accepts connections and does not answer the CONNECT goes to the end of the list,
 * so that the next attempt begins with another one. Node itself tries another address only if one does not accept.
 *
 * Only Node resolves names here. In a browser, `lookup` is `undefined`.
 */
export class Addresses {
  /** The addresses of each name that did not answer, the latest one last. */
  #silent: Map<string, string[]> | undefined
  /** Resolves names for the sockets of Node. */
  readonly lookup: Lookup | undefined = nodeModule('dns') && ((...lookup) => this.#lookup(...lookup))

  /**
   * Follows one attempt.
   *
   * @returns a function to call when the server has answered the CONNECT, or when the attempt has ended without an answer
   */
  follow(hostname: string, socket: AnySocket): (hasAnswered: boolean) => void {
    if ('bufferedAmount' in socket) return () => {}
    // An agent may give a socket that is connected.
    let address = socket.remoteAddress
    socket.once?.('connect', () => {
      address = socket.remoteAddress
    })
    return (hasAnswered) => {
      if (address === undefined) return
      if (hasAnswered) this.answered(hostname, address)
      else this.failed(hostname, address)
    }
  }

  /** An attempt that had connected ended before the CONNACK. */
  failed(hostname: string, address: string): void {
    this.#silent ??= new Map()
    this.#silent.set(hostname, [...this.#others(hostname, address), address])
  }

  /** The server answered. */
  answered(hostname: string, address: string): void {
    if (this.#silent) this.#silent.set(hostname, this.#others(hostname, address))
  }

  #lookup(hostname: string, options: { readonly all?: boolean }, found: Parameters<Lookup>[2]): void {
    const lookup = nodeModule('dns')?.lookup
    if (!lookup) return
    const silent = this.#silent?.get(hostname) ?? []
    if (silent.length === 0) return lookup(hostname, options, found)
    lookup(hostname, { ...options, all: true }, (error, addresses) => {
      if (error || typeof addresses === 'string') return found(error, addresses)
      const sorted = addresses.toSorted((a, b) => silent.indexOf(a.address) - silent.indexOf(b.address))
      const [first] = sorted
      if (options.all || !first) found(null, sorted)
      else found(null, first.address, first.family)
    })
  }

  #others(hostname: string, address: string): string[] {
    return (this.#silent?.get(hostname) ?? []).filter((each) => each !== address)
  }
}
