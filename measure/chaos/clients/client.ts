import type { Qos } from '../../../src/api/message.ts'

/** A client under test, with a session that must survive all faults. */
export interface ChaosClient {
  /** Resolves when the publish is acknowledged, or with QoS 0 when it is written. */
  publish(topic: string, payload: string, qos: Qos): Promise<void>
  subscribe(filter: string, qos: Qos, onMessage: (topic: string, payload: Uint8Array) => void): void
  /** The times from a lost connection until messages flowed again, in milliseconds. */
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
  /** The file in which the client records, if it can. */
  readonly recording: string
  /** Returns the current password. */
  readonly password: () => string
  /** Called when messages can flow, and when they no longer can. It may be called with the same value again. */
  readonly onReady: (ready: boolean) => void
}

export type ClientKind = 'ours' | 'mqttjs'

export type ConnectClient = (options: ChaosClientOptions) => ChaosClient

/** The user name of all clients. */
export const USERNAME = 'chaos'
