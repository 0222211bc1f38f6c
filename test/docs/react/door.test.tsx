/** @jsxImportSource react */
// @vitest-environment happy-dom
import { createRoot } from 'react-dom/client'
import { expect, test } from 'vitest'
import { ResilientMqttClient, text } from 'xstate-mqtt'
import { MqttProvider, useSubscription } from 'xstate-mqtt/react'
import { createScriptedServer } from 'xstate-mqtt/testing'

function Door() {
  return <p>{useSubscription('door', { codec: text }).value ?? 'unknown'}</p>
}

test('shows whether the door is open, after an outage too', async () => {
  await using server = await createScriptedServer()
  await using client = new ResilientMqttClient({ url: server.url, reconnect: { initialDelay: 1, maxDelay: 1 } })
  await client.connect()
  const element = document.createElement('div')
  const root = createRoot(element)
  root.render(
    <MqttProvider client={client}>
      <Door />
    </MqttProvider>,
  )
  await server.waitFor('subscribe')

  server.publish('door', 'open')
  await expect.poll(() => element.textContent).toBe('open')

  server.kick()
  await server.waitFor('subscribe', { count: 2 })
  server.publish('door', 'closed')
  await expect.poll(() => element.textContent).toBe('closed')
  root.unmount()
})
