import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'

import { createEmbeddedBroker } from '../../src/testing/index.ts'
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
  expect(stderr).toContain('STRATEGY is a number from 1 to 4')
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

test.each([
  ['simple-auto-recovery', 'home/lamp: on'],
  ['auto-recovery', 'connected'],
  ['embed-machine', 'gateway/reading: 21.5'],
])('%s runs on a real broker until Ctrl-C', async (name, text) => {
  await using broker = await createEmbeddedBroker()
  const example = start(`examples/${name}.ts`, [broker.url])
  await example.shows(text)
  // It listens for Ctrl-C from the next line on.
  await sleep(200)
  example.kill('SIGINT')
  const { code, stderr } = await example.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(broker.clients).toBe(0)
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
