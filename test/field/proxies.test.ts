import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'

import { freePort } from '../../measure/lab/ports.ts'
import { ConnectionFailedError, type ResilientMqttClientOptions } from '../../src/index.ts'
import { until } from '../support/event-loop.ts'
import { startMosquitto } from '../support/mosquitto.ts'
import { once, startClient } from '../support/recorded-client.ts'
import { trusting } from '../support/servers.ts'
import { inShort } from './in-short.ts'
import { haproxy, nginx, stunnel, type ProxyProduct } from './lab/proxies.ts'

/** In seconds. The client learns none below 2 s. */
const IDLE_TIMEOUT = 4

const soon = {
  reconnect: { initialDelay: 50, maxDelay: 200, jitter: 'none', maxAttempts: Number.POSITIVE_INFINITY },
} as const satisfies Partial<ResilientMqttClientOptions>

interface Expected {
  /** While the client is idle, with a keep alive above the idle timeout. */
  readonly idle: string
  readonly backendDown: RegExp
}

const products: readonly (readonly [ProxyProduct, Expected])[] = [
  [haproxy, { idle: '2 interruptions, then learnt', backendDown: /^closed before the CONNACK$/ }],
  [nginx, { idle: '2 interruptions, then learnt', backendDown: /^HTTP 502$/ }],
  [stunnel, { idle: '2 interruptions, then learnt', backendDown: /^(closed|reset) before the CONNACK$/ }],
]

describe.each(products)('$name', (product, expected) => {
  const { name, version, howToInstall } = product
  const row = version ? `${name} ${version}` : `${name} (${howToInstall})`
  const cell = (scenario: string) => ({ product: row, scenario })
  const about = (scenario: string) => ({ skip: !version, meta: { field: cell(scenario) } })

  test(`QoS 0, 1 and 2, ${row}`, about('QoS 0, 1 and 2'), async ({ task }) => {
    const { client } = await startBehind(product, 60)
    let got = 0
    client.subscribe('a', () => void got++, { qos: 2 })
    await client.connect()
    for (const qos of [0, 1, 2] as const) await client.publish('a', Buffer.alloc(100_000), { qos })
    await until(() => got >= 3, 'the messages')
    expect(got).toBe(3)
    task.meta.field = { ...cell('QoS 0, 1 and 2'), seen: 'ok' }
  })

  test(`idle timeout < keep alive, ${row}`, about('idle timeout < keep alive'), async ({ task }) => {
    const { client, heard } = await startBehind(product, IDLE_TIMEOUT, soon)
    const learnt = new Promise((resolve) => client.on('idleTimeoutLearnt', resolve))
    await client.connect()
    await learnt
    await until(() => client.isConnected, 'a connection')
    const interruptions = heard('connectionInterrupted').length
    await sleep(IDLE_TIMEOUT * 3_000)
    const after = heard('connectionInterrupted').length - interruptions
    const seen = `${interruptions} interruptions, then ${after === 0 ? 'learnt' : `${after} more`}`
    task.meta.field = { ...cell('idle timeout < keep alive'), seen }
    expect(seen).toBe(expected.idle)
  })

  test(`broker down, ${row}`, about('broker down'), async ({ task }) => {
    const proxy = await product.start(await freePort(), 60)
    onTestFinished(() => proxy[Symbol.asyncDispose]())
    const { client } = startClient({ ...once, url: proxy.url, options: trusting })
    const error = await client.connect().catch((cause: unknown) => cause)
    const seen = error instanceof ConnectionFailedError ? inShort(error.failure) : String(error)
    task.meta.field = { ...cell('broker down'), seen }
    expect(seen).toMatch(expected.backendDown)
  })
})

/** A client of a mosquitto behind a proxy. */
async function startBehind(product: ProxyProduct, idleTimeout: number, more: Partial<ResilientMqttClientOptions> = {}) {
  const broker = await startMosquitto({ listeners: () => ({ ws: ['protocol websockets'] }) })
  onTestFinished(() => broker[Symbol.asyncDispose]())
  const proxy = await product.start(broker.ports[product.listener] ?? 0, idleTimeout)
  onTestFinished(() => proxy[Symbol.asyncDispose]())
  return startClient({ ...more, url: proxy.url, options: { ...trusting, keepalive: 10_000 } })
}
