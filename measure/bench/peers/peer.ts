/** What the benchmarks drive: as thin as can be, so that the clients are measured and not this. */
export interface PeerClient {
  /** @param done - at the ack; for QoS 0 when it is written */
  publish(topic: string, payload: Uint8Array, qos: 0 | 1 | 2, done: () => void): void
  subscribe(filters: readonly string[], qos: 0 | 1 | 2, onMessage: () => void): Promise<void>
  end(): Promise<void>
}

export interface PeerOptions {
  readonly port: number
  readonly clientId: string
  readonly clean?: boolean
  /** In seconds. */
  readonly keepalive?: number
  /** From a lost connection to the next attempt, in milliseconds. */
  readonly retryDelay?: number
}

/** Resolves when it is connected. */
export type Connect = (options: PeerOptions) => Promise<PeerClient>

export type PeerName = 'ours' | 'mqttjs' | 'aws-crt'
