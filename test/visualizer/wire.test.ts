import { expect, onTestFinished, test } from 'vitest'
import { fromPromise, raise, setup, assign, createActor, spawnChild } from 'xstate'

import { InvalidCredentialsError, ResilientMqttClient } from '../../src/index.ts'
import { createEmbeddedBroker } from '../../testing/index.ts'
import { connectVisualizer } from '../../visualizer/index.ts'
import { startLamp } from '../support/lamp.ts'
import { openViewer, Peer, socketUrl, startVisualizer } from './viewer.ts'

/** Searches what went over the wire for the secret, and for what it looks like in other clothes. */
function expectNoSecret(peer: Peer): void {
  const bytes = peer.frames.join('\n')
  expect(bytes.length).toBeGreaterThan(1_000)
  for (const secret of ['planted', Buffer.from('planted-secret').toString('base64').slice(0, 16), '112,108,97,110']) {
    const at = bytes.indexOf(secret)
    expect(at === -1 ? '' : bytes.slice(Math.max(0, at - 300), at + 100)).toBe('')
  }
}

test('a client’s password, tokens, signed URL, payloads and errors stay in its process', async () => {
  const broker = await createEmbeddedBroker({
    authenticate: (_name, password) => password === 'planted-secret-password',
  })
  onTestFinished(() => broker.stop())
  const visualizer = await startVisualizer()
  const viewer = await openViewer(visualizer)
  const plain = new Peer(socketUrl(visualizer, '/stately'))
  await plain.opened
  const feed = connectVisualizer(visualizer.url)
  onTestFinished(() => feed.close())

  for (const inspect of [visualizer.inspect, feed.inspect]) {
    let calls = 0
    const client = new ResilientMqttClient({
      url: `${broker.url}/?X-Amz-Signature=planted-secret-signature`,
      options: () => ({
        will: { topic: 'will', payload: 'planted-secret-will' },
        userProperties: { key: 'planted-secret-property' },
        wsOptions: { headers: { Authorization: 'Bearer planted-secret-header' } },
      }),
      credentials: () => {
        calls += 1
        if (calls === 1) throw new TypeError('planted-secret-error')
        return {
          username: 'planted-secret-user',
          password: 'planted-secret-password',
          expiresAt: Date.now() + 3_600_000,
        }
      },
      reconnect: { initialDelay: 1 },
      inspect,
    })
    client.on('error', () => {})
    await client.connect()
    client.subscribe('planted-secret-topic/+', () => {})
    await client.publish('planted-secret-topic/1', 'planted-secret-payload', { qos: 1 })
    client.startPeriodicRequests({
      topic: 'planted-secret-topic/2',
      payload: 'planted-secret-payload',
      interval: 1_000,
    })
    await client.disconnect()
    await client[Symbol.asyncDispose]()
  }
  for (const feedId of ['local', 'f1']) {
    await viewer.until(
      ({ type, sessionId, snapshot }) =>
        type === '@xstate.snapshot' && sessionId.startsWith(feedId) && snapshot.value === 'disconnected',
    )
  }
  const late = await openViewer(visualizer)
  for (const peer of [viewer, plain, late]) expectNoSecret(peer)
})

test('a fatal refusal of the credentials shows its kind only', async () => {
  const visualizer = await startVisualizer()
  const viewer = await openViewer(visualizer)
  const client = new ResilientMqttClient({
    url: 'mqtt://127.0.0.1:1',
    credentials: () => Promise.reject(new InvalidCredentialsError('planted-secret')),
    inspect: visualizer.inspect,
  })
  client.on('error', () => {})
  await expect(client.connect()).rejects.toMatchObject({ code: 'CONNECTION_FAILED' })
  const failed = await viewer.until(({ type, snapshot }) => type === '@xstate.snapshot' && snapshot.value === 'failed')
  expect(failed.snapshot.context.failure).toEqual({ kind: 'credentials' })
  await client[Symbol.asyncDispose]()
  expectNoSecret(viewer)
})

test('a foreign machine that puts secrets everywhere', async () => {
  const login = setup({
    types: {
      input: {} as { apiToken: string },
      events: {} as { type: 'SAVE'; password: string; note: string } | { type: 'END' },
    },
    actors: {
      fetchToken: fromPromise<string, { secret: string }>(() => Promise.resolve('planted-secret-result')),
      explode: fromPromise(() =>
        Promise.reject(Object.assign(new Error('planted-secret-rejection'), { code: 'E_PLAIN' })),
      ),
    },
  }).createMachine({
    id: 'login',
    description: 'token=planted-secret-description',
    context: ({ input }) => ({
      given: input.apiToken,
      password: 'planted-secret-context',
      nested: { deep: [{ clientSecret: 'planted-secret-nested' }] },
      config: () => 'planted-secret-closure',
      url: 'https://user:planted-secret-url@host/path?token=planted-secret-query',
      jwt: 'eyJhbGciOiJub25lIn0.planted-secret-claims.planted',
      bytes: Buffer.from('planted-secret-bytes'),
      error: new Error('planted-secret-message'),
      map: new Map([['a', 'planted-secret-map']]),
    }),
    initial: 'fetching',
    output: { result: 'planted-secret-output' },
    states: {
      fetching: {
        invoke: {
          src: 'fetchToken',
          input: { secret: 'planted-secret-input' },
          // The place is innocent; the value was seen in one that is not.
          onDone: { target: 'exploding', actions: assign({ greeting: ({ event }) => `hello ${event.output}` }) },
        },
      },
      exploding: { invoke: { src: 'explode', onError: 'ready' } },
      ready: {
        on: {
          SAVE: { actions: assign({ saved: ({ event }) => event.password, note: ({ event }) => event.note }) },
          END: 'ended',
        },
      },
      ended: { type: 'final' },
    },
  })
  const visualizer = await startVisualizer()
  const feed = connectVisualizer(visualizer.url)
  onTestFinished(() => feed.close())
  const viewer = await openViewer(visualizer)
  for (const inspect of [visualizer.inspect, feed.inspect]) {
    const actor = createActor(login, { input: { apiToken: 'planted-secret-token' }, inspect }).start()
    await new Promise<void>((resolve) => {
      actor.subscribe((snapshot) => {
        if (snapshot.value === 'ready') resolve()
      })
    })
    actor.send({ type: 'SAVE', password: 'planted-secret-saved', note: 'it was planted-secret-saved' })
    actor.send({ type: 'END' })
  }
  for (const feedId of ['local', 'f1']) {
    const done = await viewer.until(
      ({ type, sessionId, snapshot }) =>
        type === '@xstate.snapshot' && sessionId.startsWith(feedId) && snapshot.value === 'ended',
    )
    expect(done.snapshot.context).toMatchObject({
      greeting: 'hello [redacted]',
      note: 'it was [redacted]',
      config: 'ƒ config',
    })
  }
  expectNoSecret(viewer)
  expectNoSecret(await openViewer(visualizer))
})

test('an actor, an event, a timer and a tag that are called by a signed address', async () => {
  const address = (secret: string) => `wss://h/mqtt?X-Amz-Signature=planted-secret-${secret}`
  const machine = setup({ actors: { fetch: fromPromise(() => new Promise(() => {})) } }).createMachine({
    id: 'm',
    initial: 'one',
    entry: [
      spawnChild('fetch', { id: address('spawned') }),
      raise({ type: address('delayed') }, { delay: 60_000, id: address('timer') }),
    ],
    states: { one: { tags: [address('tag')], on: { '*': 'two' } }, two: { on: { [address('event')]: 'one' } } },
  })
  const visualizer = await startVisualizer()
  const feed = connectVisualizer(visualizer.url)
  onTestFinished(() => feed.close())
  const viewer = await openViewer(visualizer)
  for (const inspect of [visualizer.inspect, feed.inspect]) {
    const actor = createActor(machine, { inspect }).start()
    actor.send({ type: address('other') })
    actor.send({ type: address('event') })
    actor.send({ type: 'END' })
  }
  // An app with an inspector of its own, which redacts nothing.
  const rude = new Peer(socketUrl(visualizer, '/feed'))
  await rude.opened
  const base = { sessionId: 'x:0', rootId: 'x:0', createdAt: '1' }
  const snapshot = {
    status: 'active',
    value: 'a',
    tags: [address('tag')],
    children: { [address('key')]: { id: address('child'), sessionId: address('session') } },
  }
  const timers = [{ event: address('timer'), name: address('name'), state: address('state'), delay: 9, startedAt: 9 }]
  const taken = { source: address('source'), targets: [address('target')], eventType: address('type') }
  rude.send({ type: '@xstate.actor', ...base, name: address('name'), parentId: address('parent'), snapshot, timers })
  rude.send({ type: '@xstate.event', ...base, event: { type: address('event') }, sourceId: address('source') })
  rude.send({
    type: '@xstate-mqtt.transition',
    ...base,
    eventType: address('type'),
    transitions: [{ ...taken, guard: address('guard') }],
  })
  rude.send({
    type: '@xstate.snapshot',
    ...base,
    snapshot: { ...snapshot, value: 'end' },
    timers,
    event: { type: 'END' },
  })
  for (const feedId of ['local', 'f1', 'f2']) {
    await viewer.until(
      ({ type, sessionId, event }) =>
        type === '@xstate.snapshot' && sessionId.startsWith(feedId) && event.type === 'END',
    )
  }
  expectNoSecret(viewer)
  expectNoSecret(await openViewer(visualizer))
})

test('figures are numbers', async () => {
  const visualizer = await startVisualizer()
  const viewer = await openViewer(visualizer)
  const lamp = startLamp(visualizer.inspect)
  visualizer.watch(
    lamp,
    () => ({ outbox: 3, inFlight: Number.NaN, received: 'planted-secret', odd: 'planted' }) as never,
  )
  const { stats } = await viewer.until(({ type }) => type === '@xstate-mqtt.stats')
  expect(stats).toEqual({ outbox: 3 })
})
