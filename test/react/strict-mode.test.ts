import { Window } from 'happy-dom'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'

// MQTT.js decides when it is loaded whether it runs in a browser, and React DOM too: the first has to come before the DOM.
import { createConnectionMachine, type ResilientMqttClientOptions } from '../../src/index.ts'
import { createTestClock } from '../../testing/index.ts'
import { until } from '../support/event-loop.ts'
import { startServer } from '../support/servers.ts'

const window = new Window()
vi.stubGlobal('window', window)
vi.stubGlobal('document', window.document)
vi.stubGlobal('navigator', window.navigator)
vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true)
const { useActorRef, useSelector } = await import('@xstate/react')
const { act, Activity, createElement, StrictMode, useEffect } = await import('react')
const { createRoot } = await import('react-dom/client')

afterAll(async () => {
  vi.unstubAllGlobals()
  await window.happyDOM.close()
})

/** A component that has a connection and asks for it, as applications write it. */
async function mount(options: ResilientMqttClientOptions) {
  const connection = createConnectionMachine(options)
  const clock = options.clock
  const mounts = { count: 0 }
  const Status = () => {
    const actor = useActorRef(connection.machine, { input: connection.input, ...(clock && { clock }) })
    const state = useSelector(actor, ({ value }) => JSON.stringify(value))
    useEffect(() => {
      mounts.count++
      actor.send({ type: 'CONNECT' })
    }, [actor])
    return createElement('p', null, state)
  }
  const element = document.createElement('div')
  const root = createRoot(element)
  const show = (mode: 'visible' | 'hidden') =>
    act(async () =>
      root.render(createElement(StrictMode, null, createElement(Activity, { mode, children: createElement(Status) }))),
    )
  await show('visible')
  const unmount = () => act(async () => root.unmount())
  onTestFinished(async () => {
    await unmount()
    connection[Symbol.dispose]()
  })
  return { connection, element, mounts, show, unmount }
}

const READY = '{"connected":"ready"}'

test('connects once in StrictMode', async () => {
  const server = await startServer({ script: [{}, {}, {}] })
  const { connection, element, mounts, unmount } = await mount({ url: server.url })
  expect(mounts.count, 'mounted twice').toBe(2)
  await act(() => until(() => element.textContent === READY, 'it is ready'))
  await act(() => connection.publish('a', 'x', { qos: 1 }))
  await server.waitFor(() => server.openSockets === 1)
  expect(server.received('publish')).toHaveLength(1)
  await unmount()
  await server.waitFor(() => server.openSockets === 0)
})

test('limits the time of an attempt in StrictMode too', async () => {
  const server = await startServer({ script: { connack: false } })
  const clock = createTestClock()
  const { element } = await mount({ url: server.url, clock })
  await server.waitFor(() => server.received('connect').length === 1)
  await act(async () => void clock.tick(30_000))
  expect(element.textContent).toBe('"reconnecting"')
  await server.waitFor(() => server.openSockets === 0)
})

test('gets credentials and uses them for one connection in StrictMode', async () => {
  const server = await startServer({ script: [{}, {}] })
  const { element } = await mount({ url: server.url, credentials: async () => ({ username: 'a' }) })
  await act(() => until(() => element.textContent === READY, 'it is ready'))
  await server.waitFor(() => server.openSockets === 1)
  expect(server.received('connect').map(({ username }) => username)).toEqual(['a'])
})

test('closes the connection while the component is hidden, and reconnects when it is shown', async () => {
  const server = await startServer({ script: [{}, {}, {}] })
  const { connection, element, show } = await mount({ url: server.url, reconnect: { initialDelay: 1 } })
  await act(() => until(() => element.textContent === READY, 'it is ready'))
  await act(() => connection.subscribe('a', () => {}).ready)
  await show('hidden')
  await server.waitFor(() => server.openSockets === 0)
  const publishing = connection.publish('a', 'x', { qos: 1 })
  await show('visible')
  await act(() => publishing)
  await act(() => until(() => element.textContent === READY, 'it is ready again'))
  await server.waitFor(() => server.openSockets === 1)
  expect(server.received('subscribe')).toHaveLength(2)
})
