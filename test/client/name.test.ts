import { expect, onTestFinished, test, vi } from 'vitest'

import { createConnectionMachine, createFleet, InvalidOptionError, ResilientMqttClient } from '../../src/index.ts'
import { Recorder } from '../../visualizer/record/recorder.ts'
import { until } from '../support/event-loop.ts'
import { rejection } from '../support/promises.ts'
import { recordingLogger } from '../support/recording-logger.ts'
import { scriptedClient, told } from '../support/scripted-client.ts'

test('is in the status, in every log line and in the id of the actor, and not in any packet', async () => {
  const { server, client, lines } = await scriptedClient({ name: 'pump 7' })
  client.subscribe('a', () => {
    throw new Error('of the handler')
  })
  await client.connect()
  server.publish('a', '')
  await client.publish('b', '')
  await client.disconnect()
  expect([client.name, client.status.name, client.actor.id]).toEqual(['pump 7', 'pump 7', 'pump 7'])
  expect(lines.length).toBeGreaterThan(3)
  for (const { details } of lines) expect(details).toMatchObject({ client: 'pump 7' })
  expect(JSON.stringify(told(server, 1))).not.toContain('pump')
})

test('is in the error of a client that gave up', async () => {
  const options = { url: 'mqtt://127.0.0.1:1', reconnect: { enabled: false }, recovery: { enabled: false } }
  const { logger } = recordingLogger()
  await using named = new ResilientMqttClient({ ...options, name: 'pump 7', logger })
  expect(await rejection(named.connect())).toMatchObject({
    message: expect.stringMatching(/^pump 7 gave up: connect ECONNREFUSED/) as string,
    client: 'pump 7',
  })
  await using other = new ResilientMqttClient({ ...options, logger })
  expect(await rejection(other.connect())).toMatchObject({
    message: expect.stringMatching(/^gave up: connect ECONNREFUSED/) as string,
    client: undefined,
  })
})

test('is in what is printed without a logger', async () => {
  const printed = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => printed.mockRestore())
  await using client = new ResilientMqttClient({ url: 'mqtt://127.0.0.1:1', name: 'pump 7' })
  client.on('stateChanged', () => {
    throw new Error('boom')
  })
  await rejection(client.connect({ signal: AbortSignal.timeout(1) }))
  expect(String(printed.mock.calls[0])).toMatch(
    /^xstate-mqtt \(pump 7\): the handler of stateChanged failed: Error: boom/,
  )
})

test.each([
  ['the client id', { clientId: 'pump-7' }, 'pump-7'],
  ['none, if a function returns the client id', () => ({ clientId: 'pump-7' }), undefined],
  ['none, if no client id is given', {}, undefined],
  ['none, if the broker chooses the client id', { clientId: '' }, undefined],
  ['none, if the client id could not be a name', { clientId: 'pump\n7' }, undefined],
  ['none, if the client id looks like a secret', { clientId: 'q8Zx7LmP2vRt9KcW4yHb6NdF3sJg' }, undefined],
])('is %s by default', async (_, options, name) => {
  const { logger, lines } = recordingLogger()
  await using client = new ResilientMqttClient({ url: 'mqtt://127.0.0.1:1', options, logger })
  await rejection(client.connect({ signal: AbortSignal.timeout(1) }))
  expect([client.name, client.status.name, client.actor.id]).toEqual([name, name, name ?? 'connection'])
  expect(lines.length).toBeGreaterThan(0)
  for (const { details } of lines) expect((details as { client?: string }).client).toBe(name)
})

test('tells the clients of a fleet apart, and the actors in the visualizer', async () => {
  const recorder = new Recorder({ allowCommands: false, onRecorded: () => {} })
  const shared = { url: 'mqtt://127.0.0.1:1', inspect: recorder.inspect, logger: recordingLogger().logger }
  await using fleet = createFleet({ shared })
  const names: unknown[] = []
  fleet.on('stateChanged', ({ client }) => void names.push(client.name))
  for (const name of ['north', 'south']) {
    fleet
      .createClient({ name })
      .connect()
      .catch(() => {})
  }
  await until(() => names.length >= 2)
  expect(new Set(names)).toEqual(new Set(['north', 'south']))
  const roots = Array.from(recorder.actors).filter(({ parentId }) => parentId === undefined)
  expect(roots.map(({ name }) => name)).toEqual(['north', 'south'])
})

test('is in the log lines of a machine of the application', async () => {
  const { logger, lines } = recordingLogger()
  const { subscribe, [Symbol.dispose]: dispose } = createConnectionMachine({ url: 'mqtt://a', name: 'pump 7', logger })
  const handler = () => {}
  subscribe('a', handler)
  subscribe('a', handler)
  dispose()
  expect(lines).toMatchObject([{ details: { client: 'pump 7', filter: 'a' } }])
})

test.each(['', ' a', 'a\n', 'a\u202Eb', 'x'.repeat(101), 7])('can’t be %j', (name) => {
  expect(() => new ResilientMqttClient({ url: 'mqtt://a', name: name as string })).toThrow(InvalidOptionError)
})
