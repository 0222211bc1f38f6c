// A process that dies with durable publishes in its store, or the next process, which delivers them.
import { ResilientMqttClient } from 'xstate-mqtt'

const { store, url, deliver } = JSON.parse(process.env.LAB)
const client = new ResilientMqttClient({
  url,
  store,
  options: { clientId: 'durable-check' },
  reconnect: { initialDelay: 50 },
})
if (deliver) {
  let received = 0
  client.subscribe('durable/#', (message) => console.log(message.text(), ++received), { qos: 1 })
  await client.connect()
  while (received < 3) await new Promise((resolve) => setTimeout(resolve, 20))
  await client.disconnect()
  await client[Symbol.asyncDispose]()
} else {
  for (const text of ['a', 'b', 'c']) {
    const published = client.publish('durable/x', text, { qos: 1, durable: true })
    published.catch(() => {})
    await published.accepted
  }
  console.log('accepted')
  // It waits to be killed.
  setInterval(() => {}, 1_000)
}
