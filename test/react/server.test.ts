import { createElement as h } from 'react'
import { renderToString } from 'react-dom/server'
import { expect, test } from 'vitest'

import { MqttProvider, useMessages, useMqttStatus, usePublish, useRequest, useSubscription } from '../../react/index.ts'
import { ResilientMqttClient } from '../../src/index.ts'
import { turns } from '../support/event-loop.ts'
import { startServer } from '../support/servers.ts'

function Page() {
  const { state, name } = useMqttStatus()
  const { status, value } = useSubscription('a')
  const { messages } = useMessages('a')
  const { pending } = usePublish()
  const { data } = useRequest('a')
  useMessages('a', () => {})
  return h('p', null, [name, state, status, value, messages.length, pending, data].join(' '))
}

test('a server renders a client at rest, and nothing connects', async () => {
  const server = await startServer()
  const html = renderToString(h(MqttProvider, { options: { url: server.url, name: 'hall' } }, h(Page)))
  expect(html).toBe('<p>hall idle pending  0 false </p>')
  await turns()
  expect(server.connections).toHaveLength(0)
})

test("a server renders a client at rest also if the application's client is connected", async () => {
  const server = await startServer()
  await using client = new ResilientMqttClient({ url: server.url, name: 'hall' })
  await client.connect()
  const html = renderToString(h(MqttProvider, { client }, h(Page)))
  expect(html).toBe('<p>hall idle pending  0 false </p>')
  expect(server.received('subscribe')).toEqual([])
})
