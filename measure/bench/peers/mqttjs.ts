import mqtt from 'mqtt'

import { tls } from '../../lab/tls-fixture.ts'
import { SCHEMES, type Connect } from './peer.ts'

export const connectMqttjs: Connect = async (options) => {
  const { port, transport = 'tcp', clientId, clean = true, keepalive = 60, retryDelay = 1_000 } = options
  const client = await mqtt.connectAsync(`${SCHEMES[transport]}://127.0.0.1:${port}`, {
    clientId,
    clean,
    keepalive,
    protocolVersion: 5,
    reconnectPeriod: retryDelay,
    ...(transport === 'tls' && { ca: tls.cert }),
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
