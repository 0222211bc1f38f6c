import type { Qos } from '../../../src/api/message.ts'

/** What chaos drives: a client with a session, which is to survive everything. */
export interface ChaosClient {
  /** Resolves at the ack; for QoS 0 when it is written. Rejects if it fails. */
  publish(topic: string, payload: string, qos: Qos): Promise<void>
  subscribe(filter: string, qos: Qos, onMessage: (topic: string, payload: Uint8Array) => void): void
  /** Times from a lost connection until messages flowed again, in milliseconds. */
  readonly downtimes: readonly number[]
  end(): Promise<void>
}

export interface ChaosClientOptions {
  readonly url: string
  readonly clientId: string
  readonly protocolVersion: 4 | 5
  readonly tlsCa: string | undefined
  /** In seconds. */
  readonly keepalive: number
  /** The password of this moment. */
  readonly password: () => string
  /** Told whenever messages can flow, or cannot any more; the same may be told again. */
  readonly onReady: (ready: boolean) => void
}

export type ClientKind = 'ours' | 'mqttjs'

export type ConnectClient = (options: ChaosClientOptions) => ChaosClient

/** The user that all clients are. */
export const USERNAME = 'chaos'
