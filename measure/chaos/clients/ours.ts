import { OutboxOverflowError, ResilientMqttClient } from '../../../src/index.ts'
import { USERNAME, type ConnectClient } from './client.ts'

export const connectOurs: ConnectClient = (options) => {
  const { url, clientId, protocolVersion, tlsCa, keepalive, recording, password, onReady } = options
  const client = new ResilientMqttClient({
    url,
    options: {
      clientId,
      protocolVersion,
      clean: false,
      keepalive: keepalive * 1_000,
      ...(tlsCa !== undefined && { tls: { ca: tlsCa } }),
    },
    credentials: () => ({ username: USERNAME, password: password() }),
    // All delays are short, so that minutes contain as much as a night, and the client never gives up.
    reconnect: { maxAttempts: Number.POSITIVE_INFINITY, initialDelay: 100, maxDelay: 1_000 },
    timeouts: { connectTimeout: 2_000, subscribeTimeout: 3_000, refreshTimeout: 2_000, stableAfter: 2_000 },
    outbox: { maxMessages: 50_000 },
    recorder: { file: recording },
  })
  const downtimes: number[] = []
  client.on('connectionResumed', ({ downtime }) => downtimes.push(downtime))
  client.actor.subscribe((snapshot) => onReady(snapshot.matches({ connected: 'ready' })))
  client.connect().catch(() => {})
  return {
    downtimes,
    publish: (topic, payload, qos) => client.publish(topic, payload, { qos }).then(() => {}),
    subscribe: (filter, qos, onMessage) => {
      client.subscribe(filter, (message) => onMessage(message.topic, message.payload), { qos })
    },
    end: () => client[Symbol.asyncDispose](),
  }
}

/** Whether a publish was rejected because it was never accepted. */
export function neverAccepted(error: unknown): boolean {
  return error instanceof OutboxOverflowError
}
