import mqtt from 'mqtt'

import type { Connect } from './peer.ts'

export const connectMqttjs: Connect = async ({ port, clientId, clean = true, keepalive = 60, retryDelay = 1_000 }) => {
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, {
    clientId,
    clean,
    keepalive,
    protocolVersion: 5,
    reconnectPeriod: retryDelay,
    ...(!clean && { properties: { sessionExpiryInterval: 3_600 } }),
  })
  client.on('error', () => {})
  return {
    publish: (topic, payload, qos, done) => void client.publish(topic, payload as Buffer, { qos }, done),
    subscribe: async (filters, qos, onMessage) => {
      client.on('message', onMessage)
      await client.subscribeAsync([...filters], { qos })
    },
    end: () => client.endAsync(true),
  }
}
