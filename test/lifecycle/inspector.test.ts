import { describe, expect, test } from 'vitest'
import type { InspectionEvent } from 'xstate'

import { ResilientMqttClient, type ClientEvents, type ResilientMqttClientOptions } from '../../src/index.ts'
import { atOnce, startClient } from '../support/recorded-client.ts'
import { startServer } from '../support/servers.ts'

const broken = new Error('the inspector broke')

type Inspect = NonNullable<ResilientMqttClientOptions['inspect']>

/** Inspectors that the test can break. */
const inspectors: [string, (isBroken: () => boolean) => Inspect][] = [
  ['a function that throws', (isBroken) => () => breakIf(isBroken())],
  ['an observer that throws', (isBroken) => ({ next: () => breakIf(isBroken()) })],
  ['a function whose promise rejects', (isBroken) => async () => breakIf(isBroken())],
]

describe.each(inspectors)('an inspector that breaks: %s', (_, inspector) => {
  test('does not disturb the client, and is reported once', async () => {
    let isBroken = false
    const server = await startServer()
    const { client, next } = startClient({ ...atOnce, url: server.url, inspect: inspector(() => isBroken) })
    const errors: ClientEvents['error'][] = []
    client.on('error', (event) => errors.push(event))
    await client.connect()
    isBroken = true
    server.kick()
    await next('connectionResumed')
    await client.disconnect()
    expect(errors).toEqual([{ error: broken, source: 'the inspector' }])
  })

  test('does not prevent the creation of a client', async () => {
    const server = await startServer()
    const { client, lines } = startClient({ url: server.url, inspect: inspector(() => true) })
    await client.connect()
    expect(lines.filter(({ level }) => level === 'error')).toEqual([
      { level: 'error', details: { err: broken, source: 'the inspector' }, message: 'the inspector failed' },
    ])
  })
})

test('calls an observer’s methods with the observer as `this`', async () => {
  class Inspector {
    readonly seen: InspectionEvent[] = []
    next(event: InspectionEvent): void {
      this.seen.push(event)
    }
  }
  const inspector = new Inspector()
  await using client = new ResilientMqttClient({ url: 'mqtt://127.0.0.1', inspect: inspector })
  expect(client.status.state).toBe('idle')
  expect(inspector.seen.length).toBeGreaterThan(0)
})

function breakIf(isBroken: boolean): void {
  if (isBroken) throw broken
}
