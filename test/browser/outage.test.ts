import { describe, expect, test } from 'vitest'

import { ResilientMqttClient } from '../../src/index.ts'
import { createEmbeddedBroker, createTestClock } from '../../testing/index.ts'
import { expectState, expectText, noBrowser, usePages } from './page.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND

describe.skipIf(noBrowser)('an outage of a real broker', () => {
  const { visualize, open, onEnd } = usePages()

  test('is shown from the first failure to the recovery', async () => {
    const broker = await createEmbeddedBroker()
    onEnd(() => broker.stop())
    const visualizer = await visualize()
    // Each attempt begins when the test moves the clock, however long the page takes to show the one before.
    const clock = createTestClock()
    const client = new ResilientMqttClient({
      url: broker.url,
      clock,
      inspect: visualizer.inspect,
      reconnect: { maxAttempts: 2, initialDelay: SECOND, multiplier: 1, jitter: 'none' },
      recovery: { maxAttempts: 10, initialDelay: 5 * MINUTE, multiplier: 1, jitter: 'none' },
    })
    onEnd(() => client[Symbol.asyncDispose]())
    const page = await open(visualizer.url)
    await expectText(page.title, 'Idle')
    await expectState(page, 'idle')

    await client.connect()
    await client.subscribe('room/+/temperature', () => {}).ready
    client.startPeriodicRequests({ topic: 'gateway/alive', payload: 'yes', interval: 60_000 })
    await expectText(page.title, 'Connected')
    await expectState(page, 'connected', 'ready')
    await expectText(page.page.locator('.facts'), '1 of 1 held')
    for (const name of ['connection', 'subscriptions', 'due']) {
      await expect.poll(() => page.actor(name).count(), { message: name }).toBeGreaterThan(0)
    }
    const chart = await page.page.locator('.chart').boundingBox()
    const list = await page.page.locator('.log').boundingBox()

    await broker.stop()
    for (let attempt = 1; attempt <= 2; attempt++) {
      await expect.poll(() => client.status.state).toBe('reconnecting')
      clock.tick(SECOND)
    }
    // Even the recovery begins with a timer, so that the state `failed` can be observed.
    await expect.poll(() => client.status.state).toBe('failed')
    clock.tick(1)
    await expectText(page.title, 'Recovering — cycle 1 of 10')
    await expectState(page, 'recovering')
    await expectText(page.next, /Next attempt in \d+ min.*, with a new client\./)
    await expectText(page.cause, 'ECONNREFUSED')
    await expectText(page.page.locator('.node.active .delay-left'), /^\d+ min/)
    const before = await page.next.textContent()
    // The countdown runs in real time.
    await expect.poll(() => page.next.textContent()).not.toBe(before)

    await page.row('transport.failed', 'connecting → failed', 'ECONNREFUSED').waitFor()
    await page.row('[attemptsLeft]', 'connecting → reconnecting').waitFor()
    await page.row('[mayRecover]', 'failed → recovering').waitFor()
    await expectText(page.page.locator('.edge.visited', { hasText: '[6 attemptsLeft]' }).locator('.edge-count'), '2')
    await expectText(page.actor('subscriptions'), 'offline')

    await broker.start()
    clock.tick(5 * MINUTE)
    await expectText(page.title, 'Connected')
    await expectState(page, 'connected', 'ready')
    await page.row('subscriptions.restored', 'connected.restoring → connected.ready').waitFor()
    await expectText(page.page.locator('[data-test=outages]'), /^1 outage, the longest \d+ (s|min)/)

    // The layout did not move during all this.
    expect(await page.page.locator('.chart').boundingBox()).toEqual(chart)
    expect(await page.page.locator('.log').boundingBox()).toEqual(list)
  })
})
