import { describe, expect, test } from 'vitest'

import { recordedFleet } from '../../measure/lab/recorded-fleet.ts'
import { startClient } from '../support/recorded-client.ts'
import { startServer } from '../support/servers.ts'
import { violationsOf } from './axe.ts'
import { expectState, expectText, noBrowser, usePages, type VisualizerPage } from './page.ts'

describe.skipIf(noBrowser)('a recording', () => {
  const { replay, visualize, open } = usePages()

  const slider = ({ page }: VisualizerPage) => page.getByRole('slider')
  const press = ({ page }: VisualizerPage, key: string) => page.keyboard.press(key)

  /** Records a client whose connection is lost twice. */
  async function recorded(): Promise<string> {
    const server = await startServer()
    const lines: string[] = []
    const { client, next } = startClient({
      name: 'gateway',
      url: server.url,
      reconnect: { initialDelay: 250, jitter: 'none' },
      recorder: { write: (line) => void lines.push(line) },
    })
    client.subscribe('a/#', () => {})
    await client.connect()
    for (let outage = 0; outage < 2; outage++) {
      server.kick()
      await next('connectionResumed')
    }
    await client[Symbol.asyncDispose]()
    return lines.join('\n')
  }

  test('of a client is scrubbed, played, and searched for outages', async () => {
    const site = await replay(await recorded())
    const page = await open(site.url)
    await expectText(page.title, 'Connecting — first attempt')
    await expectText(page.link, /outage\.jsonl.*recorded by xstate-mqtt/)
    // The page has everything.
    await site.close()

    await press(page, 'n')
    await expectState(page, 'reconnecting')
    await expectText(page.title, 'Reconnecting — attempt 1 of 10')
    await expectText(page.cause, /^Cause: .+/)
    await expectText(page.page.locator('.facts'), /Interruptions1 /)
    await expectText(page.page.locator('[data-test=outages]'), 'In outage 1 of 2')
    expect(await slider(page).getAttribute('aria-valuetext')).toMatch(/: .*waiting to retry/)
    const rows = await page.rows.count()
    expect(await violationsOf(page)).toEqual([])

    await page.page.getByRole('button', { name: 'Next outage' }).click()
    await expectText(page.page.locator('.facts'), /Interruptions2 /)
    expect(await page.rows.count()).toBeGreaterThan(rows)
    await press(page, 'Shift+N')
    await expectText(page.page.locator('.facts'), /Interruptions1 /)
    expect(await page.rows.count(), 'what was not yet is not shown').toBe(rows)
    await press(page, ',')
    await expectState(page, 'connected', 'ready')
    await press(page, '.')
    await expectState(page, 'reconnecting')

    // The whole recording lasts a second or two.
    await page.page.getByRole('button', { name: '60×' }).click()
    await page.page.getByRole('heading', { level: 1 }).click()
    await press(page, 'Space')
    await expectText(page.title, 'Stopped')
    await page.page.getByRole('button', { name: 'Play', exact: true }).waitFor()
    await slider(page).press('Home')
    await expectText(page.title, 'Connecting — first attempt')

    // With the mouse, and with a finger.
    const box = await slider(page).boundingBox()
    if (!box) throw new Error('no slider')
    const [left, right, y] = [box.x + 4, box.x + box.width - 4, box.y + box.height / 2]
    await page.page.mouse.move(left, y)
    await page.page.mouse.down()
    await page.page.mouse.move(right, y, { steps: 5 })
    await page.page.mouse.up()
    await expectText(page.title, 'Stopped')
    const browser = await page.page.context().newCDPSession(page.page)
    const touch = (type: 'touchStart' | 'touchMove' | 'touchEnd', ...xs: number[]) =>
      browser.send('Input.dispatchTouchEvent', { type, touchPoints: xs.map((x) => ({ x, y })) })
    await touch('touchStart', right)
    for (let x = right; x > left; x -= box.width / 8) await touch('touchMove', x)
    await touch('touchMove', left)
    await touch('touchEnd')
    await expectText(page.title, 'Connecting — first attempt')

    // A step is chosen in the list, and left when the recording goes on.
    await press(page, 'n')
    await page.row('transport.opened').click()
    await expectState(page, 'connected', 'restoring')
    await expectText(page.page.locator('.past-note'), 'Return to')
    await press(page, 'n')
    await expectText(page.page.locator('.facts'), /Interruptions2 /)
    expect(await page.page.locator('.past-note').count()).toBe(0)

    await press(page, '?')
    await page.page.getByRole('dialog').waitFor()
    expect(await violationsOf(page)).toEqual([])
    await press(page, 'Escape')
    await page.page.getByRole('dialog').waitFor({ state: 'hidden' })
    await page.page.emulateMedia({ colorScheme: 'dark' })
    await page.page.setViewportSize({ width: 390, height: 844 })
    expect(await page.page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    expect(await violationsOf(page)).toEqual([])
  })

  test('of a fleet appears as a fleet', async () => {
    const site = await replay(recordedFleet({ count: 24, calm: 60_000, outages: [30_000] }))
    const page = await open(site.url)
    await slider(page).focus()
    await press(page, 'n')
    await expectText(page.title, '18 of 24 connections are not up')
    await press(page, 'PageUp')
    await expectText(page.title, 'All 24 connections are up')
    await press(page, 'n')
    await expectText(page.page.locator('[data-test=outages]'), 'In outage 1 of 1')
    expect(await violationsOf(page)).toEqual([])
    await page.page.locator('.cell').first().click()
    await expectState(page, 'reconnecting')
    await expectText(page.page.locator('[data-test=outages]'), 'of sensor-')
    await press(page, 'Escape')
    await expectText(page.title, '18 of 24 connections are not up')
  })

  test('or a page that loads, or is refused, has no violation of the rules of accessibility', async () => {
    const { url } = await visualize()
    const page = await open(url)
    await page.page.routeWebSocket(/\/viewer/, () => {})
    await page.page.reload()
    await expectText(page.title, 'Loading…')
    expect(await violationsOf(page)).toEqual([])
    await page.page.routeWebSocket(/\/viewer/, (socket) => void socket.close())
    await page.page.route(/token=/, (route) =>
      route.request().method() === 'HEAD' ? route.fulfill({ status: 401 }) : route.fallback(),
    )
    await page.page.reload()
    await expectText(page.title, 'Access refused')
    expect(await violationsOf(page)).toEqual([])
    await page.page.emulateMedia({ colorScheme: 'dark' })
    expect(await violationsOf(page)).toEqual([])
  })
})
