import { ResilientMqttClient } from 'xstate-mqtt'

// Receives its own message, and says so in its title.
const client = new ResilientMqttClient({ url: new URLSearchParams(location.search).get('broker') })
void client.connect()
client.subscribe('bundlers/out', (message) => {
  document.title = message.text()
})
void client.publish('bundlers/out', 'received', { qos: 1 })
