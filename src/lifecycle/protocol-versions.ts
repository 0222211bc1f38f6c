import type { VersionTrial } from '../mqtt/version-trial.ts'

interface Known {
  /** The version of the next attempt. */
  readonly version: 4 | 5
  /** Whether the server took this version, or said that it does not take the other one. */
  readonly isCertain: boolean
}

/**
 * Finds out which version of MQTT each server speaks, for `protocolVersion: 'auto'`: MQTT 5, or MQTT 3.1.1 if the server does
 * not take that. What a server took is remembered. A server that closes or does not answer may be away as well: the versions
 * alternate until it takes one of them.
 */
export class ProtocolVersions {
  readonly #known = new Map<string, Known>()

  /** @param url - of the server */
  next(url: string): VersionTrial {
    const { protocol, host } = new URL(url)
    const server = `${protocol}//${host}`
    const { version, isCertain } = this.#known.get(server) ?? { version: 5, isCertain: false }
    return {
      version,
      accepted: () => void this.#known.set(server, { version, isCertain: true }),
      refused: () => {
        if (version === 4) return false
        this.#known.set(server, { version: 4, isCertain: true })
        return true
      },
      unanswered: () => {
        if (!isCertain) this.#known.set(server, { version: version === 5 ? 4 : 5, isCertain })
      },
    }
  }
}
