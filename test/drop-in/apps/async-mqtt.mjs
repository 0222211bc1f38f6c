import asyncMqtt from 'async-mqtt'

/** Wraps a client's methods in promises. */
export async function start(url, { into, out }, received) {
  const client = await asyncMqtt.connectAsync(url, { clientId: 'async-mqtt' })
  client.on('message', (_topic, payload) => received(payload.toString()))
  await client.subscribe(into, { qos: 1 })
  return {
    send: (text) => client.publish(out, text, { qos: 1 }),
    stop: () => client.end(true),
  }
}
