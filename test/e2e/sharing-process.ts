import { setTimeout as sleep } from 'node:timers/promises'

import { ResilientMqttClient } from '../../src/index.ts'

const [url = '', clientId = ''] = process.argv.slice(2)

// The broker keeps what it has handed to this worker, until a process with the same client id is back.
const client = new ResilientMqttClient({ url, options: { clientId, clean: false, receiveMaximum: 10 } })
client.subscribe(
  '$share/workers/jobs',
  async (message) => {
    await sleep(5)
    console.log(`did ${message.text()};`)
  },
  { qos: 1, ack: 'after-handler' },
)
await client.connect()
console.log('connected')
