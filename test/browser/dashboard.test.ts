import { generate, parser } from 'mqtt-packet'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { type RunningDashboard, startDashboard } from '../../examples/dashboard/demo/start.ts'
import { browse, noBrowser, type Browsing } from '../../measure/lab/browser.ts'
import { violationsOf } from './axe.ts'

/** A CONNACK of MQTT 3.1.1. */
const notAuthorized = [0x20, 2, 0, 5]

describe.skipIf(noBrowser)('the example of a dashboard', () => {
  let dashboard: RunningDashboard
  let browsing: Browsing

  beforeAll(async () => {
    dashboard = await startDashboard({ interval: 500, outage: 3_600_000 })
    browsing = await browse()
  })
  afterAll(async () => {
    await browsing?.[Symbol.asyncDispose]()
    await dashboard?.[Symbol.asyncDispose]()
  })

  const text = (page: Page, selector: string) => page.locator(selector).textContent()
  const looks = [
    { colorScheme: 'light', width: 1280 },
    { colorScheme: 'dark', width: 390 },
  ] as const

  /** Looks at the page in both color schemes, on a desk and on a phone. */
  async function expectAccessible(page: Page) {
    for (const { colorScheme, width } of looks) {
      await page.emulateMedia({ colorScheme })
      await page.setViewportSize({ width, height: 850 })
      expect(await violationsOf({ page })).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(width)
    }
  }

  test('shows an outage, keeps its values, and carries out afterwards what was asked for meanwhile', async () => {
    const page = await browsing.context.newPage()
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(String(error)))
    // The broker has lost the plant's session, so what the page sends before the plant is back would be lost.
    let isPlantBack = true
    await page.routeWebSocket(/mqtt/, (socket) => {
      if (isPlantBack) socket.connectToServer()
      else void socket.close()
    })
    await page.goto(dashboard.url)
    await expect.poll(() => text(page, '[data-test=connection]')).toBe('Live')
    await expect.poll(() => text(page, '[data-test=sensor-flow]')).toMatch(/^Flow1\d\.\d m³\/hNormal.* in 1 min$/)
    await expect.poll(() => page.locator('polyline').count()).toBe(6)
    const alarm = page.getByRole('button', { name: 'Acknowledge Tank level is low' })
    await alarm.waitFor()
    await expectAccessible(page)

    isPlantBack = false
    await page.getByRole('button', { name: 'Stop the broker' }).click()
    await expect.poll(() => text(page, '[data-test=connection]')).toMatch(/Connection lostNext attempt in \d+ s/)
    await expect
      .poll(() => text(page, '[data-test=sensor-flow]'))
      .toMatch(/^Flow1\d\.\d m³\/hNormalas of \d\d:\d\d:\d\d$/)
    await alarm.click()
    await page.getByRole('button', { name: 'Stop the pump' }).click()
    await page.getByText('Sent when the connection is back.').waitFor()
    await expect.poll(() => text(page, '[data-test=connection]')).toMatch(/1 message waits/)
    await expectAccessible(page)

    // The plant's subscriptions come before what it publishes.
    const { published } = dashboard.broker
    await dashboard.broker.start()
    await expect.poll(() => dashboard.broker.published).toBeGreaterThan(published)
    isPlantBack = true
    const live = page.getByText('Live', { exact: true }).waitFor()
    // The page may make its next attempt by itself first. Then the button is gone.
    await Promise.race([page.getByRole('button', { name: 'Try now' }).click(), live])
    await live
    await page.getByText('It has been stopped since').waitFor()
    await page.getByText('Acknowledged', { exact: true }).waitFor()
    await page.getByRole('button', { name: 'Acknowledge Flow is low' }).waitFor()
    await expectAccessible(page)
    expect(errors).toEqual([])
  })

  test('says that it gave up when the broker refuses its login, and connects again when asked to', async () => {
    const page = await browsing.context.newPage()
    let refuses = true
    await page.routeWebSocket(/mqtt/, (socket) => {
      if (refuses) socket.onMessage(() => socket.send(Buffer.from(notAuthorized)))
      else socket.connectToServer()
    })
    await page.goto(dashboard.url)
    await expect.poll(() => text(page, '[data-test=connection]')).toMatch(/^Gave upNo further attempt.*not authorized/)
    await expectAccessible(page)
    refuses = false
    await page.getByRole('button', { name: 'Connect again' }).click()
    await expect.poll(() => text(page, '[data-test=connection]')).toBe('Live')
    await page.close()
  })

  test('says what the broker refuses, until the broker grants it', async () => {
    const page = await browsing.context.newPage()
    let refuses = true
    await page.routeWebSocket(/mqtt/, (socket) => {
      const server = socket.connectToServer()
      // The broker sends a packet in several messages.
      const packets = parser().on('packet', (packet) => {
        const isRefused = refuses && packet.cmd === 'suback'
        socket.send(generate(isRefused ? { ...packet, granted: packet.granted.map(() => 0x80) } : packet))
      })
      server.onMessage((message) => void packets.parse(Buffer.from(message)))
    })
    await page.goto(dashboard.url)
    const complaints = page.getByRole('alert').filter({ hasText: 'the broker refused the subscription to plant/' })
    // Six sensors, the alarms, and the pump.
    await expect.poll(() => complaints.count()).toBe(8)
    await expectAccessible(page)
    refuses = false
    await expect.poll(() => complaints.count()).toBe(0)
    await page.close()
  })
})
