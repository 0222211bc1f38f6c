import { MQTTPubSub } from 'graphql-mqtt-subscriptions'

/** Publishes and subscribes for a GraphQL server. */
export async function start(url, { into, out }, received) {
  const pubsub = new MQTTPubSub({
    brokerUrl: url,
    connectionListener: () => {},
    publishOptions: () => Promise.resolve({ qos: 1 }),
    subscribeOptions: () => Promise.resolve({ qos: 1 }),
  })
  await pubsub.subscribe(into, received)
  return {
    encode: JSON.stringify,
    decode: (bytes) => JSON.parse(bytes.toString()),
    send: (text) => pubsub.publish(out, text),
    stop: () => {},
  }
}
