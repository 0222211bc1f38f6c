import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { createActor, waitFor } from 'xstate'

import {
  createConnectionMachine,
  createFleet,
  type ClientEvents,
  type ResilientMqttClientOptions,
} from '../../src/index.ts'
import { PACKAGE_VERSION, type RecordedLine, type Step } from '../../src/recorder/format.ts'
import { checkRecording } from '../../testing/replay/check-recording.ts'
import { readRecordings } from '../../testing/replay/read-recording.ts'
import { until } from '../support/event-loop.ts'
import { rejection } from '../support/promises.ts'
import { atOnce, startClient } from '../support/recorded-client.ts'
import { startServer } from '../support/servers.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

/** Records a client in memory. */
function startRecorded(options: ResilientMqttClientOptions) {
  const lines: string[] = []
  const started = startClient({ ...options, recorder: { write: (line) => void lines.push(line) } })
  const errors: ClientEvents['error'][] = []
  started.client.on('error', (event) => errors.push(event))
  return { ...started, written: lines, errors }
}

function replayed(written: readonly string[]) {
  const { recordings, unreadable } = readRecordings(written.join('\n'))
  expect(unreadable).toBe(0)
  return recordings.map((recording) => ({ client: recording.client, ...checkRecording(recording) }))
}

const stepsOf = (written: readonly string[]): Step[] =>
  written.map((each) => JSON.parse(each) as RecordedLine).filter((each) => each.type === 'step')

test('the version in recordings is that of the package', () => {
  const manifest = readFileSync(new URL('../../package.json', import.meta.url), 'utf8')
  expect(PACKAGE_VERSION).toBe((JSON.parse(manifest) as { version: string }).version)
})

test('a connection, its loss and its return are recorded, and replay to the same states', async () => {
  const server = await startServer()
  const { client, written, next } = startRecorded({ ...atOnce, name: 'gateway', url: server.url })
  client.subscribe('a/#', () => {})
  await client.connect()
  server.kick()
  await next('connectionResumed')
  await client[Symbol.asyncDispose]()
  const states = stepsOf(written).map(({ state }) => state)
  expect(states.filter((state, index) => state !== states[index - 1])).toEqual([
    'connecting',
    'connected.restoring',
    'connected.ready',
    'reconnecting',
    'connecting',
    'connected.restoring',
    'connected.ready',
    'disconnecting',
    'disconnected',
  ])
  expect(JSON.parse(written.at(-1) ?? '')).toMatchObject({ type: 'stopped', client: 1 })
  expect(replayed(written)).toEqual([{ client: 'gateway', steps: states.length, skipped: 0 }])
})

test('no secret and no topic is recorded', async () => {
  const server = await startServer()
  const secret = 'Tr0ub4dor-and-3'
  let tokens = 0
  const { client, written, next } = startRecorded({
    ...atOnce,
    url: server.url.replace('//', `//user:${secret}@`),
    options: { userProperties: { secret }, will: { topic: 'my/will', payload: secret } },
    credentials: () => {
      if (tokens++ === 0) throw new Error(`token=${secret}`)
      return { username: 'user', password: secret }
    },
  })
  client.subscribe('my/topic', () => {})
  await client.connect()
  await client.publish('my/topic', secret, { qos: 1 })
  client.actor.send({ type: 'OF_THE_APP', password: secret, text: secret } as never)
  client.actor.send({ type: 'WAKE', why: secret } as never)
  server.kick()
  await next('connectionResumed')
  await client[Symbol.asyncDispose]()
  expect(written.length).toBeGreaterThan(8)
  expect(written.join('\n')).toContain('OF_THE_APP')
  expect(written.join('\n')).not.toMatch(/Tr0ub4dor|my\/topic|my\/will/)
  expect(replayed(written)[0]?.difference).toBeUndefined()
})

test('what functions of the application answer is recorded and replayed', async () => {
  const server = await startServer()
  let n = 0
  let kicks = 0
  const { client, written, next } = startRecorded({
    url: server.url,
    random: () => (n += 0.1) % 1,
    classify: (failure) => {
      if (kicks === 2) throw new Error('the table decides')
      return failure.kind === 'closed' && kicks === 0 ? 'retry-later' : undefined
    },
    reconnect: { initialDelay: 1, maxDelay: 4, jitter: (ceiling, random) => ceiling * random() },
    timeouts: { stableAfter: 60_000 },
  })
  await client.connect()
  for (; kicks < 3; kicks++) {
    const resumed = next('connectionResumed')
    server.kick()
    await resumed
  }
  await client[Symbol.asyncDispose]()
  const answers = stepsOf(written).flatMap((step) => Object.keys(step.answers ?? {}))
  expect(new Set(answers)).toEqual(new Set(['random', 'classify', 'jitter']))
  expect(written.join('')).toContain('{"threw":true}')
  expect(replayed(written)[0]?.difference).toBeUndefined()
})

test('an error that ends the machine is recorded, and the replay goes on with its successor', async () => {
  const server = await startServer()
  const { client, written } = startRecorded({ url: server.url })
  await client.connect()
  client.actor.send({ type: 'PERIODIC.START' } as never)
  expect(client.status.state).toBe('failed')
  client.resetReconnect()
  await client.waitFor('connected')
  await client[Symbol.asyncDispose]()
  const types = written.map((each) => (JSON.parse(each) as RecordedLine).type)
  expect(types.filter((type) => type === 'broken')).toHaveLength(1)
  expect(types[types.indexOf('broken') + 1]).toBe('checkpoint')
  expect(replayed(written)).toEqual([expect.objectContaining({ skipped: 0 })])
  expect(replayed(written)[0]?.difference).toBeUndefined()
})

test('a function that throws does not disturb the client, and is reported once', async () => {
  const server = await startServer()
  const broken = new Error('full')
  const { client, next } = startClient({
    ...atOnce,
    url: server.url,
    recorder: {
      write: () => {
        throw broken
      },
    },
  })
  const errors: ClientEvents['error'][] = []
  client.on('error', (event) => errors.push(event))
  await client.connect()
  server.kick()
  await next('connectionResumed')
  await client[Symbol.asyncDispose]()
  expect(errors).toEqual([{ error: broken, source: 'recorder' }])
})

test('a function that never finishes does not keep the client from ending', async () => {
  const { client, errors } = startRecorded({ url: 'mqtt://127.0.0.1:1' })
  await client[Symbol.asyncDispose]()
  expect(errors).toEqual([])
  const stuck = startClient({
    url: 'mqtt://127.0.0.1:1',
    timeouts: { disconnectTimeout: 1 },
    recorder: { write: () => new Promise(() => {}) },
  })
  const told: ClientEvents['error'][] = []
  stuck.client.on('error', (event) => told.push(event))
  void rejection(stuck.client.connect())
  await stuck.client[Symbol.asyncDispose]()
  expect(told).toMatchObject([{ source: 'recorder', error: { name: 'TimeoutError' } }])
})

test('clients that share a recording report its failure once', async () => {
  const write = () => new Promise(() => {})
  const fleet = createFleet({
    shared: { url: 'mqtt://127.0.0.1:1', timeouts: { disconnectTimeout: 1 }, recorder: { write } },
  })
  const told: unknown[] = []
  fleet.on('error', ({ source }) => told.push(source))
  for (let n = 0; n < 3; n++) void rejection(fleet.createClient().connect())
  await fleet[Symbol.asyncDispose]()
  expect(told).toEqual(['recorder'])
})

test('a machine of an actor system of the application is recorded, too, also when it is restored', async () => {
  const server = await startServer()
  const written: string[] = []
  const { machine, input, ...connection } = createConnectionMachine({
    url: server.url,
    name: 'embedded',
    recorder: { write: (line) => void written.push(line) },
  })
  const first = createActor(machine, { input }).start()
  first.send({ type: 'CONNECT' })
  await waitFor(first, (snapshot) => snapshot.hasTag('ready'))
  const snapshot = first.getPersistedSnapshot()
  first.stop()
  const second = createActor(machine, { snapshot }).start()
  await waitFor(second, (each) => each.hasTag('ready'))
  second.send({ type: 'DISCONNECT' })
  await waitFor(second, (each) => each.matches('disconnected'))
  second.stop()
  connection[Symbol.dispose]()
  await until(() => written.filter((line) => line.includes('"type":"stopped"')).length === 2)
  expect(replayed(written)).toEqual([{ client: 'embedded', steps: expect.any(Number), skipped: 0 }])
})

describe('a fleet', () => {
  test('records all its clients into one file, each with its name', async () => {
    const server = await startServer()
    const file = join(temporaryFolder(), 'fleet.jsonl')
    const fleet = createFleet({ shared: { url: server.url, recorder: { file } } })
    const clients = ['a', 'b'].map((name) => fleet.createClient({ name }))
    await Promise.all(clients.map((client) => client.connect()))
    await fleet[Symbol.asyncDispose]()
    const text = readFileSync(file, 'utf8')
    expect(text.match(/"type":"recording"/g)).toHaveLength(1)
    expect(replayed(text.split('\n'))).toEqual(
      ['a', 'b'].map((client) => ({ client, steps: expect.any(Number), skipped: 0 })),
    )
  })
})
