import { expect, onTestFinished, test, vi } from 'vitest'
import { createActor } from 'xstate'

import { InvalidOptionError, ResilientMqttClient, type AdmissionGate } from '../../src/index.ts'
import { providedMachine } from '../../src/lifecycle/actors.ts'
import { PeriodicRequests } from '../../src/session/periodic-requests.ts'
import { createScriptedServer, createTestClock } from '../../testing/index.ts'
import { settle } from '../support/machine-scene.ts'

test.each([
  [{}, 'gate must have the methods ask(), got an object'],
  [5, 'gate must have the methods ask(), got 5'],
  [null, 'gate must have the methods ask(), got null'],
  [() => () => {}, 'gate must have the methods ask()'],
])('rejects %o as a gate', (gate, message) => {
  const options = { url: 'mqtt://localhost', gate: gate as never }
  expect(() => new ResilientMqttClient(options)).toThrow(InvalidOptionError)
  expect(() => new ResilientMqttClient(options)).toThrow(message)
})

/** A connection machine with a gate of the application. */
function visitor(gate: AdmissionGate) {
  const gateFailed = vi.fn<(error: unknown) => void>()
  const transport = vi.fn()
  const machine = providedMachine(() => ({
    recorder: undefined,
    transport,
    session: { sync: () => () => {}, periodic: new PeriodicRequests(), pausePublishing: () => {} },
    gate,
    servers: () => [],
    gateFailed,
    refresh: () => Promise.reject(new Error('there is no source')),
    held: new Set<() => void>(),
    resumePublishing: () => {},
    prove: () => {},
    askQuiet: () => {},
    gaveUp: () => {},
    triesAgain: () => {},
  }))
  const actor = createActor(machine, { clock: createTestClock(), input: { gated: true } }).start()
  onTestFinished(() => void actor.stop())
  actor.send({ type: 'CONNECT' })
  return { actor, transport, told: () => gateFailed.mock.calls.flat() }
}

const broken = new Error('broken')
const fail = () => {
  throw broken
}

test.each<[string, AdmissionGate['ask']]>([
  ['throws', fail],
  ['admits and throws', (admit) => (admit(), fail())],
  ['rejects', (() => Promise.reject(broken)) as never],
])('connects and reports the error if the gate %s', async (_, ask) => {
  const { actor, transport, told } = visitor({ ask })
  await settle()
  expect(told()).toEqual([broken])
  expect(transport).toHaveBeenCalledOnce()
  expect(actor.getSnapshot()).toMatchObject({
    status: 'active',
    value: 'connecting',
    context: { admission: 'granted' },
  })
})

test.each<[string, () => void, unknown]>([
  ['throws', fail, broken],
  ['is missing', undefined as never, expect.any(TypeError)],
])('continues and reports the error if the gate’s leave function %s', (_, leave, error) => {
  const { actor, told } = visitor({ ask: (admit) => (admit(), leave) })
  expect(told()).toEqual([])
  actor.send({ type: 'DISCONNECT' })
  expect(told()).toEqual([error])
  expect(actor.getSnapshot()).toMatchObject({ status: 'active', context: { admission: 'none' } })
})

test('a client reports a gate that throws through the `error` event', async () => {
  const server = await createScriptedServer()
  const client = new ResilientMqttClient({ url: server.url, gate: { ask: fail } })
  const told: unknown[] = []
  client.on('error', ({ error, source }) => told.push([source, String(error)]))
  await client.connect()
  expect(told).toEqual([['gate', String(broken)]])
  await client[Symbol.asyncDispose]()
  await server.close()
})
