import { afterEach, expect, jest, test } from '@jest/globals'
import { act, createElement } from 'react'
import { createRoot } from 'react-dom/client'
import { ResilientMqttClient, text } from 'xstate-mqtt'
import { connectAsync } from 'xstate-mqtt/mqttjs'
import { MqttProvider, useMessages, useMqttStatus } from 'xstate-mqtt/react'
import { createScriptedServer } from 'xstate-mqtt/testing'

globalThis.IS_REACT_ACT_ENVIRONMENT = true

afterEach(() => {
  jest.useRealTimers()
})

function Log() {
  const { messages } = useMessages('log', { codec: text })
  return createElement('p', null, [useMqttStatus().state, ...messages.map(({ value }) => value)].join(' '))
}

test.each(['memory', 'tcp'])('a component in jsdom, with a server over %s', async (transport) => {
  jest.useFakeTimers()
  const server = await createScriptedServer({ transport })
  const client = new ResilientMqttClient({
    url: server.url,
    ...(transport === 'memory' && { options: { socket: server.socket } }),
  })
  await client.connect()
  const element = document.createElement('div')
  const root = createRoot(element)
  await act(async () => root.render(createElement(MqttProvider, { client }, createElement(Log))))
  await act(() => server.waitFor('subscribe'))

  server.publish('log', 'grüße', { qos: 1 })
  server.publish('log', 'again', { qos: 1 })
  await act(() => server.waitFor('puback', { count: 2 }))
  expect(element.textContent).toBe('connected grüße again')

  await act(async () => root.unmount())
  await client.disconnect()
  await server.close()
})

test('the API of MQTT.js in jsdom', async () => {
  const server = await createScriptedServer()
  const client = await connectAsync(server.url)
  const received = new Promise((resolve) =>
    client.on('message', (topic, payload) => resolve(`${topic}: ${String(payload)}`)),
  )
  await client.subscribeAsync('log')
  server.publish('log', 'grüße')
  expect(await received).toBe('log: grüße')
  await client.endAsync()
  await server.close()
})
