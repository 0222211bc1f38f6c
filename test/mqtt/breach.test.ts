import { generate } from 'mqtt-packet'
import { describe, expect, test } from 'vitest'

import type { Step } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { schemes, serve, trusting, protocolVersions, type ProtocolVersion } from '../support/servers.ts'
import { transportScene } from './transport-scene.ts'

const connack = (version: ProtocolVersion, properties = {}) =>
  generate(
    { cmd: 'connack', returnCode: 0, reasonCode: 0, sessionPresent: false, properties },
    { protocolVersion: version },
  )

const publish = (version: ProtocolVersion, topic: string, qos: 0 | 1 | 2 = 0) => {
  const body = [0, topic.length, ...Buffer.from(topic), ...(qos > 0 ? [0, 1] : []), ...(version === 5 ? [0] : [])]
  return Buffer.of(0x30 | (qos << 1), body.length, ...body)
}

/** The reports of a transport that receives bytes instead of the CONNACK or after it, and the packets that the server gets. */
async function sceneOf(version: ProtocolVersion, at: 'connect' | 'connack', bytes: Uint8Array) {
  const step: Step = { at, do: { bytes } }
  const server = await serve('mqtt', { script: { steps: [step] } })
  const scene = transportScene({ url: server.url, options: { protocolVersion: version } })
  scene.start()
  const failure = await scene.failure()
  await server.waitFor(() => server.openSockets === 0)
  await turns()
  expect(scene.failures()).toHaveLength(1)
  return {
    failure,
    received: scene.received,
    disconnects: server.received('disconnect').map((each) => each.reasonCode),
  }
}

describe.each(protocolVersions)('MQTT version %i', (version) => {
  const told = (reasonCode: number) => (version === 5 ? [reasonCode] : [])

  test.each([
    ['', 'PUBLISH with neither a topic nor a Topic Alias (MQTT 5 §3.3.2.1)', 0x82],
    ['a/+', 'PUBLISH with a wildcard in its topic (MQTT 5 §3.3.2.1)', 0x90],
    ['#', 'PUBLISH with a wildcard in its topic (MQTT 5 §3.3.2.1)', 0x90],
    ['a+b', 'PUBLISH with a wildcard in its topic (MQTT 5 §3.3.2.1)', 0x90],
    ['a\0b', 'PUBLISH with U+0000 in a text (MQTT 5 §1.5.4)', 0x81],
  ])('drops a PUBLISH to %j and ends the connection', async (topic, message, reasonCode) => {
    for (const qos of [0, 1, 2] as const) {
      const bytes = Buffer.concat([publish(version, topic, qos), publish(version, 'behind', 0)])
      expect(await sceneOf(version, 'connack', bytes)).toEqual({
        failure: { kind: 'protocol', message },
        received: [],
        disconnects: told(reasonCode),
      })
    }
  })

  test('drops a PUBLISH before the CONNACK and ends the connection', async () => {
    const bytes = Buffer.concat([publish(version, 'early', 1), connack(version)])
    expect(await sceneOf(version, 'connect', bytes)).toEqual({
      failure: { kind: 'protocol', message: 'PUBLISH before the CONNACK' },
      received: [],
      disconnects: [],
    })
  })
})

test.each([
  [{ receiveMaximum: 0 }, 'CONNACK with a Receive Maximum of 0'],
  [{ maximumPacketSize: 0 }, 'CONNACK with a Maximum Packet Size of 0'],
])('does not accept a CONNACK with %o', async (properties, message) => {
  const { failure } = await sceneOf(5, 'connect', connack(5, properties))
  expect(failure).toEqual({ kind: 'protocol', message })
})

describe.each(schemes.flatMap((scheme) => protocolVersions.map((version) => ({ scheme, version }))))(
  'maximumPacketSize on $scheme, MQTT $version',
  ({ scheme, version }) => {
    const options = { ...trusting, protocolVersion: version, maximumPacketSize: 100 }

    test('ends the connection at the fixed header of a larger packet', async () => {
      // Nothing follows the header: a client that waited for the whole packet would wait for ever.
      const header = Uint8Array.of(0x30, 0xff, 0xff, 0x7f)
      const server = await serve(scheme)
      const scene = transportScene({ url: server.url, options })
      scene.start()
      await scene.waitFor('transport.opened')
      server.kick({ bytes: header })
      const message = 'PUBLISH with more bytes than our Maximum Packet Size (MQTT 5 §3.1.2.11.4)'
      expect(await scene.failure()).toEqual({ kind: 'protocol', message })
      await server.waitFor(() => server.openSockets === 0)
      expect(server.received('disconnect').map(({ reasonCode }) => reasonCode)).toEqual(version === 5 ? [0x95] : [])
    })

    test('accepts packets up to the limit, also many in one chunk', async () => {
      const server = await serve(scheme)
      const scene = transportScene({ url: server.url, options })
      scene.start()
      await scene.waitFor('transport.opened')
      for (let i = 0; i < 50; i++) server.publish(`${i}`, 'x'.repeat(90))
      await until(() => scene.received.length === 50, 'the messages')
      expect(scene.failures()).toEqual([])
    })
  },
)
