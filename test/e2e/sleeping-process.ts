import { ResilientMqttClient } from '../../src/index.ts'

const [url = '', probeTimeout] = process.argv.slice(2)

const client = new ResilientMqttClient({ url, timeouts: { probeTimeout: Number(probeTimeout) } })
client.on('connectionInterrupted', ({ failure }) => console.log('interrupted', JSON.stringify(failure)))
client.on('connectionResumed', () => console.log('resumed'))
await client.connect()
console.log('connected')
