import { generate } from 'mqtt-packet'
import { Activity, createElement as h, type ReactNode, Suspense, use, useEffect } from 'react'
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest'

import {
  type MessageQueueState,
  MissingMqttProviderError,
  MqttProvider,
  type PublishState,
  type RequestState,
  useMessages,
  useMqttClient,
  useMqttEvent,
  useMqttStatus,
  usePublish,
  useRequest,
  useSubscription,
} from '../../react/index.ts'
import {
  json,
  type Message,
  ResilientMqttClient,
  type ResilientMqttClientOptions,
  type StandardSchema,
  SubscriptionRefusedError,
  text,
} from '../../src/index.ts'
import { deferred } from '../../src/shared/wait.ts'
import { createTestClock, type ScriptedServer, type ScriptedServerOptions } from '../../testing/index.ts'
import { turns, until } from '../support/event-loop.ts'
import { startServer } from '../support/servers.ts'
// Before React DOM, which this file loads.
import { act, Boundary, render } from './dom.ts'

// React prints what error boundaries catch.
beforeEach(() => void vi.spyOn(console, 'error').mockImplementation((...line) => void printed.push(line)))
const printed: unknown[][] = []

const quick = { initialDelay: 1, maxDelay: 1, jitter: 'none' } as const

/** A server, and what a provider needs to connect to it. */
async function setUp(options: ScriptedServerOptions = {}) {
  const server = await startServer(options)
  const errors: unknown[] = []
  const client: ResilientMqttClientOptions = {
    url: server.url,
    options: { protocolVersion: 5 },
    reconnect: quick,
    logger: { ...silent, error: (...line: unknown[]) => void errors.push(line) },
  }
  return { server, options: client, errors }
}

const silent = { debug() {}, info() {}, warn() {}, error() {} }

/** A client of the application, which is connected. */
async function connected(options: ResilientMqttClientOptions): Promise<ResilientMqttClient> {
  const client = new ResilientMqttClient(options)
  onTestFinished(() => client[Symbol.asyncDispose]())
  await client.connect()
  return client
}

const State = () => useMqttStatus(({ state }) => state)
const filters = (server: ScriptedServer, cmd: 'subscribe' | 'unsubscribe') =>
  cmd === 'subscribe'
    ? server.received('subscribe').flatMap(({ subscriptions }) => subscriptions.map(({ topic }) => topic))
    : server.received('unsubscribe').flatMap(({ unsubscriptions }) => unsubscriptions)

/** Sends messages in one chunk. */
function burst(server: ScriptedServer, topic: string, ...payloads: string[]): void {
  const packets = payloads.map((payload) =>
    generate({ cmd: 'publish', topic, payload, qos: 0, retain: false, dup: false }, { protocolVersion: 5 }),
  )
  server.kick({ bytes: Buffer.concat(packets) })
}

/** Waits for the tree to show something. */
const expectShown = (page: { text(): string | null }, what: string) =>
  act(() =>
    until(
      () => page.text() === what,
      () => `${what}, but it shows ${page.text()}`,
    ),
  )

// React complains about nothing else.
afterEach(() => {
  if (printed.length > 0) throw new Error(printed.splice(0).flat().join('\n'))
})

test('a provider connects its client once in StrictMode, and disconnects it when it is unmounted', async () => {
  const { server, options, errors } = await setUp()
  let mounts = 0
  const Counter = () => useEffect(() => void mounts++, [])
  const page = await render(h(MqttProvider, { options }, h(State), h(Counter as () => ReactNode)))
  await expectShown(page, 'connected')
  expect(mounts, 'mounted twice').toBe(2)
  expect(server.received('connect')).toHaveLength(1)
  await page.rerender(h(MqttProvider, { options: { ...options, url: 'mqtt://elsewhere.invalid' } }, h(State)))
  expect(page.text(), 'options are read once').toBe('connected')
  await page.unmount()
  await server.waitFor('disconnect')
  await server.waitFor(() => server.openSockets === 0)
  expect(server.received('connect')).toHaveLength(1)
  expect(errors).toEqual([])
})

test('a provider with another key has another client', async () => {
  const { server, options } = await setUp()
  const page = await render(h(MqttProvider, { key: 1, options }, h(State)))
  await expectShown(page, 'connected')
  const next = { ...options, options: { clientId: 'next', protocolVersion: 5 } as const }
  await page.rerender(h(MqttProvider, { key: 2, options: () => next }, h(State)))
  await act(() => server.waitFor(() => server.connections.length === 2 && server.openSockets === 1))
  expect(server.current?.connect?.clientId).toBe('next')
})

test("a provider neither connects nor ends the application's client", async () => {
  const { server, options } = await setUp()
  const client = new ResilientMqttClient(options)
  onTestFinished(() => client[Symbol.asyncDispose]())
  const page = await render(h(MqttProvider, { client }, h(State)))
  expect(page.text()).toBe('idle')
  await act(() => client.connect())
  expect(page.text()).toBe('connected')
  await page.unmount()
  await turns()
  expect(client.isConnected).toBe(true)
  expect(server.openSockets).toBe(1)
})

test('a provider that Activity hides disconnects, and keeps what is published meanwhile', async () => {
  const { server, options } = await setUp()
  let client: ResilientMqttClient | undefined
  const Reading = () => {
    client = useMqttClient()
    return useSubscription('a', { codec: text }).value ?? 'nothing'
  }
  const tree = (mode: 'visible' | 'hidden') => h(Activity, { mode, children: h(MqttProvider, { options }, h(Reading)) })
  const page = await render(tree('visible'))
  await act(() => server.waitFor('subscribe'))
  await page.rerender(tree('hidden'))
  await act(() => server.waitFor(() => server.openSockets === 0))
  const publishing = client!.publish('b', 'x', { qos: 1 })
  await page.rerender(tree('visible'))
  await act(() => publishing)
  await act(() => server.waitFor('subscribe', { count: 2 }))
  server.publish('a', 'back')
  await expectShown(page, 'back')
  await page.unmount()
  await server.waitFor(() => server.openSockets === 0)
  expect(() => client?.subscribe('a')).toThrow('disposed')
})

test('unmounting during an outage ends the attempts, and rejects what is published', async () => {
  const { server, options, errors } = await setUp({ script: [{}, { connack: false }] })
  let state: PublishState | undefined
  const Publisher = () => {
    state = usePublish()
    useSubscription('a')
    return useMqttStatus((status) => status.state)
  }
  const page = await render(h(MqttProvider, { options }, h(Publisher)))
  await expectShown(page, 'connected')
  await act(async () => void server.kick())
  await act(() => server.waitFor('connect', { count: 2 }))
  const publishing = state!.publish('a', 'x', { qos: 1 })
  await page.unmount()
  await expect(publishing).rejects.toThrow('disposed')
  await server.waitFor(() => server.openSockets === 0)
  expect(server.connections).toHaveLength(2)
  expect(errors).toEqual([])
})

test.each<[name: string, hook: () => unknown]>([
  ['useMqttClient', () => useMqttClient()],
  ['useMqttStatus', () => useMqttStatus()],
  ['useMqttEvent', () => useMqttEvent('connected', () => {})],
  ['useSubscription', () => useSubscription('a')],
  ['useMessages', () => useMessages('a', () => {})],
  ['usePublish', () => usePublish()],
  ['useRequest', () => useRequest('a')],
])('%s needs a provider', async (name, hook) => {
  const Lost = () => String(hook())
  const page = await render(h(Boundary, null, h(Lost)))
  expect(page.text()).toBe(`MissingMqttProviderError: ${name} needs an MqttProvider above the component`)
  expect(new MissingMqttProviderError(name)).toMatchObject({ code: 'MISSING_MQTT_PROVIDER', hook: name })
  printed.length = 0
})

test.each<[name: string, tree: () => ReactNode, message: string]>([
  ['options', () => h(MqttProvider, { options: { url: 'http://a' } }), 'InvalidOptionError: url'],
  ['no client', () => h(MqttProvider, {} as never), 'InvalidOptionError: MqttProvider needs either client or options'],
  ['a filter', () => h(provided(() => useSubscription('a/#/b').status)), 'InvalidOptionError: filter'],
  ['a QoS', () => h(provided(() => useMessages('a', () => {}, { qos: 3 as 2 }).status)), 'InvalidOptionError: qos'],
  ...[0, 1.5, '5', Number.NaN, null].map((limit): [string, () => ReactNode, string] => [
    `the limit ${limit}`,
    () => h(provided(() => useMessages('a', { limit: limit as number }).status)),
    'InvalidOptionError: limit must be a whole number of at least 1',
  ]),
  [
    'whenFull',
    () => h(provided(() => useMessages('a', { whenFull: 'x' as 'pause' }).status)),
    'InvalidOptionError: whenFull must be one of "drop-oldest", "pause"',
  ],
  ...(['limit', 'whenFull'] as const).map((name): [string, () => ReactNode, string] => [
    `${name} beside a handler`,
    () => h(provided(() => useMessages('a', () => {}, { [name]: name === 'limit' ? 5 : 'pause' }).status)),
    `InvalidOptionError: ${name} is for messages that wait in a queue, and there is a handler`,
  ]),
  ...Object.entries({ ack: 'after-handler', bufferSize: 5, retry: {} }).map(
    ([name, value]): [string, () => ReactNode, string] => [
      `${name} without a handler`,
      () => h(provided(() => useMessages('a', { [name]: value }).status)),
      `InvalidOptionError: ${name} is for a handler, and messages wait in a queue`,
    ],
  ),
  [
    'a handler after the options',
    () => h(provided(() => useMessages('a', {} as never, (() => {}) as never).status)),
    'InvalidOptionError: handler must be a function, and stand before the options',
  ],
  ...Object.entries({
    useSubscription: () => useSubscription('a', null as never).status,
    useMessages: () => useMessages('a', null as never).status,
    'useMessages with a handler': () => useMessages('a', () => {}, 'x' as never).status,
    useRequest: () => String(useRequest('a', [] as never).pending),
  }).map(([name, component]): [string, () => ReactNode, string] => [
    `options of ${name}`,
    () => h(provided(component)),
    `InvalidOptionError: options of ${name.split(' ')[0]} must be an object`,
  ]),
  ['a selector', () => h(provided(() => useMqttStatus('state' as never))), 'InvalidOptionError: selector must be'],
  [
    'a handler of an event',
    () => h(provided(() => String(useMqttEvent('connected', undefined as never)))),
    'InvalidOptionError: handler must be a function',
  ],
  ['an event', () => h(provided(() => String(useMqttEvent('nope' as 'error', () => {})))), 'InvalidOptionError'],
])('what is wrong reaches the error boundary: %s', async (_name, tree, message) => {
  const page = await render(h(Boundary, null, tree()))
  expect(page.text()).toContain(message)
  printed.length = 0
})

function provided(component: () => ReactNode) {
  return () => h(MqttProvider, { client: new ResilientMqttClient({ url: 'mqtt://127.0.0.1:9' }) }, h(component))
}

test('the status renders a component again only if the selected value has changed', async () => {
  const { options } = await setUp()
  const client = await connected(options)
  const renders = { state: 0, objects: 0, outbox: 0 }
  const One = () => (renders.state++, useMqttStatus(({ state }) => state))
  const Objects = () => {
    renders.objects++
    return useMqttStatus(({ state, subscriptions }) => ({ state, list: [subscriptions.wanted] })).list.join(',')
  }
  const Outbox = () => (renders.outbox++, String(useMqttStatus(({ outbox }) => outbox).size))
  const page = await render(h(MqttProvider, { client }, h(One), h(Objects), h(Outbox)), { strict: false })
  const before = { ...renders }
  await act(async () => client.resetReconnect())
  await act(() => client.publish('a', 'x', { qos: 1 }))
  expect(page.text()).toBe('connected00')
  expect(renders).toEqual(before)
  await act(() => client.disconnect())
  expect(page.text()).toBe('disconnected00')
  expect(renders.state).toBeGreaterThan(before.state)
  expect(renders.outbox, 'an equal part is the same object').toBe(before.outbox)
})

test('a handler of an event is the one of the last render', async () => {
  const { options } = await setUp()
  const client = await connected(options)
  const seen: string[] = []
  const Listener = ({ name }: { name: string }) => {
    useMqttEvent('stateChanged', ({ to }) => seen.push(`${name} ${to}`))
    return null
  }
  const tree = (name: string) => h(MqttProvider, { client }, h(Listener, { name }))
  const page = await render(tree('first'))
  await page.rerender(tree('second'))
  await act(() => client.disconnect())
  await page.unmount()
  await client.connect()
  expect(seen).toEqual(['second disconnecting', 'second disconnected'])
})

test('a subscription is pending, then ready, and has the latest value', async () => {
  const { server, options } = await setUp({ script: { delay: 5 } })
  const client = await connected(options)
  const Reading = () => {
    const { status, value, retained, qos, message } = useSubscription('a/+', { qos: 1, codec: json<number>() })
    return [status, value, retained, qos, message?.topic].join(' ')
  }
  const page = await render(h(MqttProvider, { client }, h(Reading)))
  expect(page.text()).toBe('pending  false  ')
  await expectShown(page, 'ready  false 1 ')
  expect(filters(server, 'subscribe'), 'once in StrictMode').toEqual(['a/+'])
  server.publish('a/b', '1', { retain: true })
  await expectShown(page, 'ready 1 true 1 a/b')
  server.publish('a/c', '2')
  await expectShown(page, 'ready 2 false 1 a/c')
  await page.unmount()
  await server.waitFor('unsubscribe')
  expect(filters(server, 'unsubscribe')).toEqual(['a/+'])
})

test('a refused subscription says why, and becomes ready on a connection that grants it', async () => {
  const { server, options } = await setUp({ script: [{ suback: 0x8f }, { suback: 0x8f }, {}] })
  const client = await connected(options)
  const Reading = () => {
    const { status, error } = useSubscription('a')
    return `${status} ${error ? error.message : ''}`
  }
  const page = await render(h(MqttProvider, { client }, h(Reading)))
  await expectShown(page, 'refused the broker refused the subscription to a: topic filter invalid (0x8f)')
  for (const connection of [2, 3]) {
    await act(async () => void server.kick())
    await act(() => server.waitFor('connect', { count: connection }))
    await act(() => until(() => client.isConnected))
  }
  await expectShown(page, 'ready ')
})

test('a refusal is shown at once, and the subscription is ready when the broker grants it after all', async () => {
  const clock = createTestClock()
  let isAllowed = false
  const { options } = await setUp({ script: { suback: () => (isAllowed ? 1 : 0x87) } })
  const client = await connected({ ...options, clock, now: clock.now })
  const Reading = () => {
    const { status, qos, error } = useSubscription('a', { qos: 1 })
    return [status, qos, error instanceof SubscriptionRefusedError && error.reasonCode.toString(16)].join(' ')
  }
  const page = await render(h(MqttProvider, { client }, h(Reading)))
  await expectShown(page, 'refused  87')
  isAllowed = true
  await act(async () => clock.tick(1_000))
  await expectShown(page, 'ready 1 false')
})

test('a granted subscription that a later connection refuses at first is ready again', async () => {
  const clock = createTestClock()
  let code = 0
  const { server, options } = await setUp({ script: { suback: () => code } })
  const client = await connected({ ...options, clock, now: clock.now })
  const Reading = () => useSubscription('a').status
  const page = await render(h(MqttProvider, { client }, h(Reading)))
  await expectShown(page, 'ready')
  code = 0x87
  await act(async () => void server.kick())
  await act(() => until(() => client.status.state === 'reconnecting'))
  await act(async () => clock.tick(1))
  await expectShown(page, 'refused')
  code = 0
  await act(async () => clock.tick(1_000))
  await expectShown(page, 'ready')
})

test('a granted subscription that a later connection refuses is refused', async () => {
  const { server, options } = await setUp({ script: [{}, { suback: 0x8f }] })
  const client = await connected(options)
  const Reading = () => useSubscription('a').status
  const page = await render(h(MqttProvider, { client }, h(Reading)))
  await expectShown(page, 'ready')
  await act(async () => void server.kick())
  await expectShown(page, 'refused')
})

test('what the broker refuses of another component does not concern one that it has granted', async () => {
  const { server, options } = await setUp({ script: { suback: ({ qos }) => (qos === 2 ? 0x8f : qos) } })
  const client = await connected(options)
  const Reading = ({ qos }: { qos: 0 | 2 }) => useSubscription('a', { qos }).status
  const tree = (...all: (0 | 2)[]) => h(MqttProvider, { client }, ...all.map((qos) => h(Reading, { key: qos, qos })))
  const page = await render(tree(0))
  await expectShown(page, 'ready')
  await page.rerender(tree(0, 2))
  await expectShown(page, 'readyrefused')
  await page.rerender(tree(0))
  const again = new Promise((resolve) => client.once('connected', resolve))
  await act(async () => void server.kick())
  await act(() => again)
  await page.rerender(tree(0, 2))
  await expectShown(page, 'readyrefused')
})

test('a subscription that was refused for good is ready when another component asks again and is granted it', async () => {
  let code = 0x8f
  const { server, options } = await setUp({ script: { suback: () => code } })
  const client = await connected(options)
  const Reading = () => {
    const { status, value } = useSubscription('a', { codec: text })
    return `${status} ${value ?? ''};`
  }
  const tree = (...keys: string[]) => h(MqttProvider, { client }, ...keys.map((key) => h(Reading, { key })))
  const page = await render(tree('one'))
  await expectShown(page, 'refused ;')
  code = 0
  await page.rerender(tree('one', 'other'))
  await expectShown(page, 'ready ;ready ;')
  server.publish('a', '1')
  await expectShown(page, 'ready 1;ready 1;')
})

test('options that mean the same do not subscribe anew, and the last functions are used', async () => {
  const { server, options } = await setUp()
  const client = await connected(options)
  const invalid: string[] = []
  const even = (label: string): StandardSchema<string> => ({
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) =>
        value === 'odd' ? { issues: [{ message: label }] } : { value: `${label} ${String(value)}` },
    },
  })
  const Reading = ({ label, qos }: { label: string; qos: 0 | 1 }) =>
    useSubscription('a', {
      qos,
      codec: { encode: String, decode: (payload) => new TextDecoder().decode(payload) },
      schema: even(label),
      retry: { maxAttempts: 3 },
      onInvalid: ({ issues }) => void invalid.push(`${label} ${issues[0]?.message}`),
    }).value ?? 'nothing'
  const tree = (label: string, qos: 0 | 1 = 0) => h(MqttProvider, { client }, h(Reading, { label, qos }))
  const page = await render(tree('one'))
  await act(() => server.waitFor('subscribe'))
  for (const label of ['two', 'three']) await page.rerender(tree(label))
  server.publish('a', 'odd')
  server.publish('a', 'x')
  await expectShown(page, 'three x')
  expect(invalid).toEqual(['three three'])
  expect(filters(server, 'subscribe')).toEqual(['a'])
  await page.rerender(tree('four', 1))
  await act(() => server.waitFor('subscribe', { count: 2 }))
  expect(server.received('subscribe').at(-1)?.subscriptions).toMatchObject([{ topic: 'a', qos: 1 }])
})

test('components with the same filter share one subscription', async () => {
  const { server, options } = await setUp()
  const client = await connected(options)
  const Reading = () => useSubscription('a', { codec: text, retainHandling: 1 }).value ?? 'nothing'
  const tree = (...keys: number[]) => h(MqttProvider, { client }, ...keys.map((key) => h(Reading, { key })))
  const page = await render(tree(1, 2))
  await act(() => server.waitFor('subscribe'))
  server.publish('a', 'x')
  await expectShown(page, 'xx')
  await page.rerender(tree(2, 3))
  await page.rerender(tree(3))
  server.publish('a', 'y')
  await expectShown(page, 'y')
  await act(() => turns())
  expect(filters(server, 'subscribe')).toEqual(['a'])
  expect(filters(server, 'unsubscribe')).toEqual([])
  await page.unmount()
  await server.waitFor('unsubscribe')
})

test('another filter starts without a value, and null subscribes to nothing', async () => {
  const { server, options } = await setUp()
  const client = await connected(options)
  const Reading = ({ filter }: { filter: string | null }) => {
    const { status, value } = useSubscription(filter, { codec: text })
    return `${status} ${value}`
  }
  const tree = (filter: string | null) => h(MqttProvider, { client }, h(Reading, { filter }))
  const page = await render(tree(null))
  expect(page.text()).toBe('pending undefined')
  await page.rerender(tree('a'))
  await expectShown(page, 'ready undefined')
  server.publish('a', 'x')
  await expectShown(page, 'ready x')
  await page.rerender(tree('b'))
  await expectShown(page, 'ready undefined')
  await server.waitFor('unsubscribe')
  expect([filters(server, 'subscribe'), filters(server, 'unsubscribe')]).toEqual([['a', 'b'], ['a']])
})

test('another client in the provider takes the subscriptions over', async () => {
  const [one, other] = [await setUp(), await setUp()]
  const clients = [await connected(one.options), await connected(other.options)]
  const Reading = () => `${useSubscription('a').status} ${useMqttStatus(({ server }) => server)}`
  const page = await render(h(MqttProvider, { client: clients[0]! }, h(Reading)))
  await expectShown(page, `ready ${one.server.url}`)
  await page.rerender(h(MqttProvider, { client: clients[1]! }, h(Reading)))
  await expectShown(page, `ready ${other.server.url}`)
  await one.server.waitFor('unsubscribe')
})

test('a component that suspends subscribes only when it is shown', async () => {
  const { server, options } = await setUp()
  const client = await connected(options)
  const data = deferred<string>()
  const Reading = () => {
    const { status } = useSubscription('a')
    return `${status} ${use(data.promise)}`
  }
  const page = await render(h(MqttProvider, { client }, h(Suspense, { fallback: 'waiting' }, h(Reading))))
  await act(() => turns(20))
  expect(page.text()).toBe('waiting')
  expect(filters(server, 'subscribe')).toEqual([])
  await act(async () => data.resolve('data'))
  await expectShown(page, 'ready data')
  expect(filters(server, 'subscribe')).toEqual(['a'])
})

test('a handler gets every message of a burst, and its promise acknowledges it', async () => {
  const { server, options } = await setUp()
  const client = await connected(options)
  const seen: string[] = []
  const saved = deferred<void>()
  const Listener = ({ label }: { label: string }) =>
    useMessages(
      'a',
      async ({ value }) => {
        seen.push(`${label} ${value}`)
        if (value === '0') await saved.promise
      },
      { qos: 1, ack: 'after-handler', codec: text },
    ).status
  const tree = (label: string) => h(MqttProvider, { client }, h(Listener, { label }))
  const page = await render(tree('old'))
  await expectShown(page, 'ready')
  await page.rerender(tree('new'))
  for (let n = 0; n < 3; n++) server.publish('a', `${n}`, { qos: 1, messageId: n + 1 })
  await act(() => until(() => seen.length === 3))
  expect(seen).toEqual(['new 0', 'new 1', 'new 2'])
  expect(server.received('puback')).toHaveLength(0)
  saved.resolve()
  await server.waitFor('puback', { count: 3 })
  expect(filters(server, 'subscribe')).toEqual(['a'])
})

test('a queue has every message up to its limit, and a burst causes one render', async () => {
  const { server, options } = await setUp()
  const client = await connected(options)
  let state: MessageQueueState<string> | undefined
  let renders = 0
  const List = () => {
    renders++
    state = useMessages('a', { codec: text, limit: 3 })
    return state.messages.map(({ value }) => value).join('')
  }
  const page = await render(h(MqttProvider, { client }, h(List)), { strict: false })
  await act(() => server.waitFor('subscribe'))
  await act(() => turns())
  const [before, { take, clear }] = [renders, state!]
  await act(async () => burst(server, 'a', '1', '2', '3', '4', '5'))
  await expectShown(page, '345')
  expect(renders).toBe(before + 1)
  expect(state).toMatchObject({ dropped: 2, take, clear })
  let taken: Message<string>[] = []
  await act(async () => void (taken = take(2)))
  expect([taken.map(({ value }) => value), page.text()]).toEqual([['3', '4'], '5'])
  await act(async () => clear())
  expect(page.text()).toBe('')
})

test('a queue that pauses loses nothing', async () => {
  const { server, options } = await setUp()
  const client = await connected(options)
  let take: MessageQueueState<string>['take'] = () => []
  const List = () => {
    const state = useMessages('a', { codec: text, limit: 2, whenFull: 'pause' })
    take = state.take
    return `${state.messages.map(({ value }) => value).join('')} ${state.dropped}`
  }
  const page = await render(h(MqttProvider, { client }, h(List)))
  await act(() => server.waitFor('subscribe'))
  burst(server, 'a', '1', '2', '3', '4', '5')
  await expectShown(page, '12 0')
  expect(client.status.subscriptions.paused).toBe(1)
  await act(async () => void take())
  await expectShown(page, '23 0')
  await act(async () => void take(2))
  await expectShown(page, '45 0')
  await act(async () => void take(2))
  await expectShown(page, ' 0')
  expect(client.status.subscriptions.paused).toBe(0)
})

test('a queue that pauses stays within its limit when Activity hides and shows it', async () => {
  const { server, options } = await setUp()
  const client = await connected(options)
  let take: MessageQueueState<string>['take'] = () => []
  const List = () => {
    const { messages, ...state } = useMessages('a', { codec: text, limit: 2, whenFull: 'pause' })
    take = state.take
    return messages.map(({ value }) => value).join('')
  }
  const tree = (mode: 'visible' | 'hidden') => h(MqttProvider, { client }, h(Activity, { mode, children: h(List) }))
  const page = await render(tree('visible'))
  await act(() => server.waitFor('subscribe'))
  burst(server, 'a', '1', '2')
  await expectShown(page, '12')
  for (const round of [2, 3]) {
    await page.rerender(tree('hidden'))
    await act(() => server.waitFor('unsubscribe', { count: round - 1 }))
    await page.rerender(tree('visible'))
    await act(() => server.waitFor('subscribe', { count: round }))
    expect(client.status.subscriptions.paused).toBe(1)
    await act(async () => burst(server, 'a', `${round}a`, `${round}b`))
    await act(() => turns(20))
    expect(page.text()).toBe('12')
  }
  await act(async () => void take(2))
  await expectShown(page, '3a3b')
})

test.each<[hook: string, useLast: (schema: StandardSchema<string>) => string | undefined]>([
  ['useMessages', (schema) => useMessages('a', { codec: text, schema, limit: 1_000 }).messages.at(-1)?.value],
  ['useSubscription', (schema) => useSubscription('a', { codec: text, schema }).value],
])('a burst that an asynchronous schema validates renders %s a few times', async (_hook, useLast) => {
  const { server, options } = await setUp()
  const client = await connected(options)
  const schema: StandardSchema<string> = {
    '~standard': { version: 1, vendor: 'test', validate: async (value) => ({ value: String(value) }) },
  }
  let renders = 0
  const Last = () => {
    renders++
    return useLast(schema) ?? 'nothing'
  }
  const page = await render(h(MqttProvider, { client }, h(Last)), { strict: false })
  await act(() => server.waitFor('subscribe'))
  await act(() => turns())
  const before = renders
  burst(server, 'a', ...Array.from({ length: 1_000 }, (_, n) => `${n + 1}`))
  await expectShown(page, '1000')
  expect(renders - before).toBeLessThan(20)
})

test('a publish is pending until it is delivered, and its error is shown', async () => {
  const { server, options, errors } = await setUp({ script: { puback: { refused: 0x87 } } })
  const client = await connected(options)
  let state: PublishState | undefined
  const Publisher = () => {
    state = usePublish()
    return `${state.pending} ${state.error?.message ?? ''}`
  }
  const page = await render(h(MqttProvider, { client }, h(Publisher)))
  const { publish } = state!
  expect(page.text()).toBe('false ')
  await act(async () => void publish('refused', 'x', { qos: 1 }))
  await expectShown(page, 'false the broker refused the publish to refused: not authorized (0x87)')
  expect(state!.publish).toBe(publish)

  await act(async () => {
    server.setScript({ connack: false })
    server.kick()
  })
  await act(async () => void publish('a', 1, { qos: 1, codec: json<number>() }))
  expect(page.text(), 'it waits for the connection').toBe('true ')
  server.setScript({})
  await act(async () => void server.kick())
  await expectShown(page, 'false ')
  expect(errors).toEqual([])

  // After the component is gone, the client reports what was rejected.
  const failed: string[] = []
  client.on('publishFailed', ({ topic }) => failed.push(topic))
  server.setScript({ puback: { refused: 0x87 } })
  await act(async () => void server.kick())
  await act(() => until(() => client.isConnected))
  await act(async () => void publish('refused', 'x', { qos: 1 }).catch(() => {}))
  void publish('refused', 'y', { qos: 1 })
  await page.unmount()
  await until(() => failed.length > 0)
  expect(failed).toEqual(['refused'])
})

test('a request has the response, or says why it has none', async () => {
  const { server, options } = await setUp()
  const client = await connected(options)
  const schema: StandardSchema<number> = {
    '~standard': {
      version: 1,
      vendor: 'test',
      validate: (value) => (typeof value === 'number' ? { value } : { issues: [{ message: 'not a number' }] }),
    },
  }
  let state: RequestState<{ room: string }, number> | undefined
  const Request = () => {
    state = useRequest('get', {
      requestCodec: json<{ room: string }>(),
      responseCodec: json<number>(),
      responseSchema: schema,
    })
    return `${state.pending} ${state.data} ${state.error?.message ?? ''}`
  }
  const page = await render(h(MqttProvider, { client }, h(Request)))
  const { request } = state!
  let count = 0
  const ask = async (room: string) => {
    let answer: Promise<number> | undefined
    await act(async () => void (answer = request({ room })))
    const { payload, properties } = await server.waitFor('publish', { count: ++count })
    expect(String(payload)).toBe(JSON.stringify({ room }))
    const respond = (response: string) => {
      const { responseTopic = '', correlationData } = properties ?? {}
      server.publish(responseTopic, response, { properties: { ...(correlationData && { correlationData }) } })
    }
    return { answer: answer!, respond }
  }
  expect(page.text()).toBe('false undefined ')

  const first = await ask('kitchen')
  expect(page.text()).toBe('true undefined ')
  first.respond('21')
  await expectShown(page, 'false 21 ')
  await expect(first.answer).resolves.toBe(21)

  const invalid = await ask('attic')
  invalid.respond('"cold"')
  await expectShown(
    page,
    'false 21 a message to ' +
      server.received('publish').at(-1)!.properties!.responseTopic +
      ' is invalid: not a number',
  )

  const replaced = await ask('cellar')
  const last = await ask('kitchen')
  await expect(replaced.answer).rejects.toThrow('abort')
  last.respond('22')
  await expectShown(page, 'false 22 ')

  const cancelled = await ask('garage')
  await act(async () => state!.cancel())
  expect(page.text()).toBe('false 22 ')
  await expect(cancelled.answer).rejects.toThrow('abort')

  const unmounted = await ask('hall')
  expect(state!.request).toBe(request)
  await page.unmount()
  await expect(unmounted.answer).rejects.toThrow('abort')
})

test('hydration begins with a client at rest, as on the server, and shows the connection afterwards', async () => {
  const { options } = await setUp()
  const client = await connected({ ...options, name: 'hall' })
  const shown: string[] = []
  const Page = () => {
    const { state, name } = useMqttStatus()
    const { status } = useSubscription('a')
    shown.push(state)
    return `${name} ${state} ${status}`
  }
  const page = await render(h(MqttProvider, { client }, h(Page)), { html: 'hall idle pending' })
  await expectShown(page, 'hall connected ready')
  expect(shown[0]).toBe('idle')
  expect(page.complaints).toEqual([])
})
