import { describe, expect, onTestFinished, test } from 'vitest'

import { createEmbeddedBroker } from '../../testing/index.ts'
import { installed, startMosquitto } from '../support/mosquitto.ts'
import { run, start } from './run.ts'

test('simple-auto-recovery: what is published during the outage arrives after it', async () => {
  const { code, stdout, stderr } = await run('examples/simple-auto-recovery.ts')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expectInOrder(stdout, [
    'connecting → connected',
    'home/lamp: on',
    'connected → reconnecting',
    'failed → recovering',
    'connecting → connected',
    'home/lamp: off',
    'home/heartbeat: ',
    'disconnecting → disconnected',
  ])
})

test.each([
  ['1', 'simpleRetry', 'Clients created: 1, tokens issued: 1'],
  ['2', 'recreateClient', 'Clients created: 5, tokens issued: 1'],
  ['3', 'refreshAndRecreate', 'Clients created: 5, tokens issued: 5'],
  ['4', 'exponentialRecovery', 'Clients created: 5, tokens issued: 2'],
])('auto-recovery with STRATEGY=%s: %s', async (STRATEGY, name, result) => {
  const { code, stdout, stderr } = await run('examples/auto-recovery.ts', [], { env: { STRATEGY } })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expectInOrder(stdout, [`Strategy: ${name}`, 'connected', 'recovery cycle 4', 'recovered in cycle 4', result])
})

test('auto-recovery refuses a strategy that there is not', async () => {
  const { code, stderr } = await run('examples/auto-recovery.ts', [], { env: { STRATEGY: '5' } })
  expect(code).toBe(1)
  expect(stderr).toContain('STRATEGY must be a number from 1 to 4')
})

test('embed-machine: the parent machine follows the connection', async () => {
  const { code, stdout, stderr } = await run('examples/embed-machine.ts')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expectInOrder(stdout, [
    'gateway: sensors on',
    'gateway/reading: 21.5',
    'gateway: sensors off',
    'gateway: sensors on',
    'gateway/reading: 22.0',
    'gateway: sensors off',
  ])
})

const requests = {
  'request-response': ['kitchen: 21.5 °C, bedroom: 18 °C', 'attic: the response to home/temperature/get took longer'],
  'periodic-requests': [
    'pump 1: running',
    'the pump is stuck',
    'pump 1: no answer',
    'paused: 0 answers',
    'pump 1: running',
  ],
} as const

test('request-response: what is asked without a connection is answered when it is back', async () => {
  const { code, stdout, stderr } = await run('examples/request-response.ts')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expectInOrder(stdout, [
    'MQTT 3.1.1',
    ...requests['request-response'],
    'the connection is cut: the question waits',
    'kitchen: 21.5 °C',
  ])
})

test('periodic-requests: answers, none, a pause, and an outage', async () => {
  const { code, stdout, stderr } = await run('examples/periodic-requests.ts')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expectInOrder(stdout, [...requests['periodic-requests'], 'the broker is stopped', 'pump 1: running'])
  expect(stdout, 'match leaves it out').not.toContain('pump 2')
})

describe.each(['request-response', 'periodic-requests'] as const)('%s', (name) => {
  test('ends by itself on another broker too', async () => {
    await using broker = await createEmbeddedBroker()
    const { code, stdout, stderr } = await run(`examples/${name}.ts`, [broker.url])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expectInOrder(stdout, requests[name])
    expect(broker.clients).toBe(0)
  })

  test.skipIf(!installed)('with MQTT 5, which needs mosquitto', async () => {
    const broker = await startMosquitto()
    onTestFinished(() => broker[Symbol.asyncDispose]())
    const { code, stdout, stderr } = await run(`examples/${name}.ts`, [broker.url], { env: { PROTOCOL: '5' } })
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expectInOrder(stdout, requests[name])
  })

  test('MQTT 5 needs another broker', async () => {
    const { code, stderr } = await run(`examples/${name}.ts`, [], { env: { PROTOCOL: '5' } })
    expect(code).toBe(1)
    expect(stderr).toContain('PROTOCOL=5 needs the URL of a broker')
  })
})

test('durable-outbox: the next process delivers what the killed one had accepted', async () => {
  const { code, stdout, stderr } = await run('examples/durable-outbox.ts')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const readings = [1, 2, 3, 4, 5]
  expectInOrder(stdout, [
    ...readings.map((n) => `sensor: reading ${n} accepted`),
    'sensor: ended by SIGKILL',
    'next process: 5 restored',
  ])
  expectInOrder(stdout, [...readings.map((n) => `broker: reading ${n}\n`), 'next process: all delivered'])
})

test.each([
  ['simple-auto-recovery', 'home/lamp: on'],
  ['auto-recovery', 'connected'],
  ['embed-machine', 'gateway/reading: 21.5'],
])('%s runs on a real broker until Ctrl-C', async (name, text) => {
  await using broker = await createEmbeddedBroker()
  const example = start(`examples/${name}.ts`, [broker.url])
  await example.shows(text)
  await example.shows('Press Ctrl-C to end.')
  example.kill('SIGINT')
  const { code, stderr } = await example.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(broker.clients).toBe(0)
})

test('opentelemetry: metrics for Prometheus, spans and probes', async () => {
  const example = start('examples/opentelemetry.ts', [], { env: { PORT: '0' } })
  const metrics = await example.showsUrl()
  await example.shows('span: process room/{id}/temperature of room/')
  const page = await (await fetch(metrics)).text()
  expect(page).toContain('mqtt_client_count{role="sensor",mqtt_client_state="connected",')
  expect(page).toMatch(
    /messaging_client_sent_messages_total\{[^}]*messaging_destination_template="room\/\{id\}\/temperature"/,
  )
  const ready = await fetch(new URL('/ready', metrics))
  expect([ready.status, await ready.json()]).toMatchObject([200, { live: true, ready: true, reason: 'ready' }])
  example.kill('SIGINT')
  const { code, stderr } = await example.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})

/** Each text comes somewhere after the one before it. */
function expectInOrder(output: string, texts: readonly string[]): void {
  let from = 0
  for (const text of texts) {
    const index = output.indexOf(text, from)
    expect(index, `“${text}” after what came before it, in:\n${output}`).not.toBe(-1)
    from = index + text.length
  }
}
