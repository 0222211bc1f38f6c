import { runInNewContext } from 'node:vm'
import { expect, onTestFinished, test, vi } from 'vitest'

import type { ResilientMqttClient as Client } from '../../src/index.ts'
import type { ScriptedServer } from '../../testing/index.ts'

// MQTT.js looks for them when it is loaded, as it is in jsdom and happy-dom.
vi.stubGlobal('window', { document: {} })
const { ResilientMqttClient } = await import('../../src/index.ts')
const { createScriptedServer } = await import('../../testing/index.ts')

test.each(['memory', 'tcp'] as const)('with a DOM in Node, the client connects: %s', async (transport) => {
  const server = await createScriptedServer({ transport })
  const client = new ResilientMqttClient({
    url: server.url,
    ...(transport === 'memory' && { options: { socket: server.socket } }),
  })
  await expectMessage(client, server)
})

test('`mqtts:` is refused there, and not tried as `wss:`', async () => {
  const client = new ResilientMqttClient({ url: 'mqtts://127.0.0.1:1', wakeOn: false })
  onTestFinished(() => client[Symbol.asyncDispose]())
  const reported = new Promise((resolve) => client.on('error', resolve))
  void client.connect()
  expect(await reported).toMatchObject({
    error: { message: 'url must begin with mqtt:, ws: or wss: with a DOM in Node, got "mqtts:"' },
  })
})

test('bytes of another realm are read, as those of Node are in jest-environment-jsdom', async () => {
  const server = await createScriptedServer({ transport: 'memory' })
  const client = new ResilientMqttClient({
    url: server.url,
    options: {
      socket: () => {
        const socket = server.socket()
        const on = socket.on.bind(socket)
        socket.on = (event: string, listener: (...values: any[]) => void) =>
          on(event, event === 'data' ? (bytes: Uint8Array) => listener(ofAnotherRealm(bytes)) : listener)
        return socket
      },
    },
  })
  await expectMessage(client, server)
})

/** Expects that the client connects, and that a message reaches its handler. Both are closed after the test. */
async function expectMessage(client: Client, server: ScriptedServer): Promise<void> {
  onTestFinished(async () => {
    await client[Symbol.asyncDispose]()
    await server.close()
  })
  await client.connect()
  const texts: string[] = []
  await client.subscribe('a', (message) => texts.push(message.text())).ready
  server.publish('a', 'b', { qos: 1 })
  await server.waitFor('puback')
  expect(texts).toEqual(['b'])
}

function ofAnotherRealm(bytes: Uint8Array): Uint8Array {
  return runInNewContext('Uint8Array.from(bytes)', { bytes }) as Uint8Array
}
