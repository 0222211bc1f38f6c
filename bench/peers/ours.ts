import { ResilientMqttClient, type ResilientMqttClientOptions } from '../../src/index.ts'
import type { Connect, PeerOptions } from './peer.ts'

function oursOptions({ port, clientId, clean = true, keepalive = 60, retryDelay = 1_000 }: PeerOptions) {
  return {
    url: `mqtt://127.0.0.1:${port}`,
    options: { clientId, clean, protocolVersion: 5, keepalive: keepalive * 1_000 },
    reconnect: { initialDelay: retryDelay, multiplier: 1, maxDelay: retryDelay, jitter: 'none', maxAttempts: Infinity },
  } as const satisfies ResilientMqttClientOptions
}

export const connectOurs: Connect = async (options) => {
  const client = new ResilientMqttClient(oursOptions(options))
  await client.connect()
  return {
    publish: (topic, payload, qos, done) => void client.publish(topic, payload, { qos }).then(done, ignored),
    subscribe: async (filters, qos, onMessage) => {
      await Promise.all(filters.map((filter) => client.subscribe(filter, onMessage, { qos }).ready))
    },
    end: () => client[Symbol.asyncDispose](),
  }
}

/** What is un-acked when it ends. */
function ignored(): void {}
