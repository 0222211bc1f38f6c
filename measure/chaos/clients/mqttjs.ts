import mqtt from 'mqtt'

import { USERNAME, type ConnectClient } from './client.ts'

/** Raw MQTT.js with its own reconnect, and the code that applications typically write around it. */
export const connectMqttjs: ConnectClient = (options) => {
  const { url, clientId, protocolVersion, tlsCa, keepalive, password, onReady } = options
  const client = mqtt.connect(url, {
    clientId,
    protocolVersion,
    clean: false,
    keepalive,
    username: USERNAME,
    password: password(),
    reconnectPeriod: 200,
    connectTimeout: 2_000,
    // By default, MQTT.js stops for good when a password is refused.
    reconnectOnConnackError: true,
    ...(tlsCa !== undefined && { ca: tlsCa }),
    ...(protocolVersion === 5 && { properties: { sessionExpiryInterval: 0xffffffff } }),
  })
  const downtimes: number[] = []
  let lostAt: number | undefined
  client.on('error', () => {})
  client.on('close', () => {
    client.options.password = password()
    lostAt ??= performance.now()
    onReady(false)
  })
  client.on('connect', () => {
    if (lostAt !== undefined) downtimes.push(performance.now() - lostAt)
    lostAt = undefined
    onReady(true)
  })
  return {
    downtimes,
    publish: (topic, payload, qos) =>
      new Promise((resolve, reject) => {
        client.publish(topic, payload, { qos }, (error) => (error ? reject(error) : resolve()))
      }),
    subscribe: (filter, qos, onMessage) => {
      client.on('message', (topic, payload) => mqttMatches(filter, topic) && onMessage(topic, payload))
      client.subscribe(filter, { qos })
    },
    end: () => new Promise((resolve) => client.end(true, () => resolve())),
  }
}

/** Matches the filters of this test, which end with `#` and have no other wildcard. */
function mqttMatches(filter: string, topic: string): boolean {
  return topic.startsWith(filter.slice(0, -1))
}
