// What needs the modules of Node: files, servers of its own.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ResilientMqttClient } from 'xstate-mqtt'
import { createEmbeddedBroker, createScriptedServer, createTestClock } from 'xstate-mqtt/testing'
import { connectVisualizer, createVisualizer } from 'xstate-mqtt/visualizer'

import { until, within } from './checks.mjs'

export const localChecks = {
  async recorder({ tcp }) {
    await inFolder(async (folder) => {
      const file = join(folder, 'flight.jsonl')
      const client = new ResilientMqttClient({ url: tcp, recorder: { file } })
      await within(client.connect(), 'connect()')
      await client[Symbol.asyncDispose]()
      if (!readFileSync(file, 'utf8').includes('CONNECT')) throw new Error('Nothing was recorded')
    })
  },

  async 'visualizer-feed'({ tcp, visualizer, control }) {
    const connection = connectVisualizer(visualizer, { name: 'check' })
    const client = new ResilientMqttClient({ url: tcp, inspect: connection.inspect })
    try {
      await within(client.connect(), 'connect()')
      let names = []
      await until(
        () => {
          void fetch(`${control}/actors`).then(async (response) => {
            names = await response.json()
          })
          return names.length > 0
        },
        () => `the visualizer (${JSON.stringify(connection.status)})`,
      )
    } finally {
      connection.close()
      await client[Symbol.asyncDispose]()
    }
  },

  async 'visualizer-page'() {
    const visualizer = await createVisualizer()
    try {
      const response = await fetch(visualizer.url)
      if (!response.ok || !(await response.text()).includes('<html')) throw new Error(`HTTP status ${response.status}`)
    } finally {
      await visualizer.close()
    }
  },

  'embedded-tcp': () => embedded(({ url }) => url),
  'embedded-ws': () => embedded(({ wsUrl }) => wsUrl),

  async scripted() {
    const server = await createScriptedServer({ script: [{ connack: { reasonCode: 0x89 } }, {}] })
    const client = new ResilientMqttClient({
      url: server.url,
      options: { protocolVersion: 5 },
      reconnect: { initialDelay: 10, maxDelay: 10 },
    })
    try {
      await within(client.connect(), 'connect()')
    } finally {
      await client[Symbol.asyncDispose]()
      await server[Symbol.asyncDispose]()
    }
  },

  async 'test-clock'() {
    const clock = createTestClock()
    let isDue = false
    clock.setTimeout(() => (isDue = true), 86_400_000)
    await within(clock.tickAsync(86_400_000), 'tickAsync')
    if (!isDue) throw new Error('The timer was not called')
  },
}

async function embedded(urlOf) {
  const broker = await createEmbeddedBroker({ webSocket: true })
  const client = new ResilientMqttClient({ url: urlOf(broker), reconnect: { initialDelay: 100 } })
  try {
    const sizes = []
    client.subscribe('embedded/#', ({ payload }) => void sizes.push(payload.length), { qos: 1 })
    await within(client.connect(), 'connect()')
    for (const size of [1, 100_000, 300_000]) {
      await within(client.publish('embedded/x', new Uint8Array(size), { qos: 1 }), 'a publish')
    }
    await until(
      () => sizes.length === 3,
      () => `the messages (${sizes.join(', ')})`,
    )
    await broker.stop()
    await within(client.waitFor('reconnecting'), 'the state reconnecting')
    await broker.start()
    await within(client.waitFor('connected'), 'the state connected')
  } finally {
    await client[Symbol.asyncDispose]()
    await broker.stop()
  }
}

async function inFolder(use) {
  const folder = mkdtempSync(join(tmpdir(), 'xstate-mqtt-check-'))
  try {
    await use(folder)
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
