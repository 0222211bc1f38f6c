// What users write, with types from each entry.
import { connect } from 'node:net'
import { setup } from 'xstate'
import { json, type Message, ResilientMqttClient, type ResilientMqttClientOptions } from 'xstate-mqtt'
import { connectionMachine } from 'xstate-mqtt/machines'
import { instrument } from 'xstate-mqtt/opentelemetry'
import { createEmbeddedBroker, createScriptedServer, createTestClock } from 'xstate-mqtt/testing'
import { connectVisualizer } from 'xstate-mqtt/visualizer'

export const clock = createTestClock()
const options: ResilientMqttClientOptions = { url: 'mqtt://localhost', clock, now: clock.now }
export const client = new ResilientMqttClient({ ...options, inspect: connectVisualizer('http://localhost:1').inspect })
instrument(client)

interface Reading {
  readonly celsius: number
}
client.subscribe('reading/#', ({ value }: Message<Reading>) => value.celsius.toFixed(1), { codec: json<Reading>() })
client.on('connectionInterrupted', ({ failure }) => (failure.kind === 'socket' ? failure.code : failure.kind))

export const parent = setup({ actors: { connection: connectionMachine } }).createMachine({
  invoke: { src: 'connection', input: {} },
})
export const broker = createEmbeddedBroker({ webSocket: true })

export const tunnelled = new ResilientMqttClient({
  url: 'mqtt://localhost',
  options: { socket: ({ host, port }) => connect({ host, port }) },
})
export async function inMemory() {
  const { url, socket } = await createScriptedServer({ transport: 'memory' })
  return new ResilientMqttClient({ url, options: { socket } })
}
