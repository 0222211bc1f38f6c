/** The common interface of the measured clients. It is as thin as possible, so that only the clients are measured. */
export interface PeerClient {
  /** @param done - called when the publish is acknowledged, or with QoS 0 when it is written */
  publish(topic: string, payload: Uint8Array, qos: 0 | 1 | 2, done: () => void): void
  subscribe(filters: readonly string[], qos: 0 | 1 | 2, onMessage: () => void): Promise<void>
  end(): Promise<void>
}

export const TRANSPORTS = ['tcp', 'tls', 'websocket'] as const
export type Transport = (typeof TRANSPORTS)[number]

/** The schemes of the URLs. */
export const SCHEMES: Readonly<Record<Transport, string>> = { tcp: 'mqtt', tls: 'mqtts', websocket: 'ws' }

export interface PeerOptions {
  readonly port: number
  /** @default tcp */
  readonly transport?: Transport
  readonly clientId: string
  readonly clean?: boolean
  /** In seconds. */
  readonly keepalive?: number
  /** The time from a lost connection to the next attempt, in milliseconds. */
  readonly retryDelay?: number
}

/** Creates a client, and resolves when it is connected. */
export type Connect = (options: PeerOptions) => Promise<PeerClient>

export type PeerName = 'ours' | 'mqttjs' | 'aws-crt'
