// What an app for React Native does.
import { ResilientMqttClient } from 'xstate-mqtt'

globalThis.check = async (url) => {
  const client = new ResilientMqttClient({ url })
  const texts = []
  client.subscribe('native/#', (message) => void texts.push(message.text()), { qos: 2 })
  await client.connect()
  for (const qos of [0, 1, 2]) await client.publish('native/check', `grüße ${qos}`, { qos })
  while (texts.length < 3) await new Promise((resolve) => setTimeout(resolve, 20))
  await client.disconnect()
  return texts.join(', ')
}
