import { ResilientMqttClient } from '../../../src/index.ts'
import type { OpenStore } from './store.ts'

/** A client that has not connected yet, so that only its store is measured. */
export const openOurs: OpenStore = async (store) => {
  const client = new ResilientMqttClient({
    url: 'mqtt://127.0.0.1',
    store,
    options: { clean: false, protocolVersion: 5 },
    outbox: { maxMessages: 1_000_000, maxBytes: 1024 ** 3 },
  })
  return (topic, payload, done) => {
    const publication = client.publish(topic, payload, { qos: 1, durable: true })
    publication.catch(() => {})
    void publication.accepted.then(done)
  }
}
