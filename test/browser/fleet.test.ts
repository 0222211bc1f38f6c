import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'

import { fleetOutage } from '../../measure/lab/fleet-outage.ts'
import { violationsOf } from './axe.ts'
import { expectState, expectText, noBrowser, usePages, type VisualizerPage } from './page.ts'

describe.skipIf(noBrowser)('a fleet', () => {
  const { visualize, open, onEnd } = usePages()

  const focused = ({ page }: VisualizerPage) => page.evaluate(() => document.activeElement?.textContent ?? '')

  const smallestText = ({ page }: VisualizerPage) =>
    page.evaluate(() => {
      const svg = document.querySelector<SVGSVGElement>('.chart-svg')
      const scale = svg?.getScreenCTM()?.a ?? 0
      const texts = [...(svg?.querySelectorAll('text') ?? [])].filter(({ textContent }) => textContent !== '')
      const visible = texts.filter((text) => text.getBoundingClientRect().height > 0)
      return Math.min(...visible.map((text) => Number.parseFloat(getComputedStyle(text).fontSize) * scale))
    })

  test('of 40 connections in an outage: read, filtered, travelled and opened by the keyboard alone', async () => {
    const visualizer = await visualize({ allowCommands: true })
    const actors = await fleetOutage({ inspect: visualizer.inspect, count: 40 })
    onEnd(async () => {
      for (const actor of actors) actor.stop()
    })
    const page = await open(visualizer.url)
    const { keyboard } = page.page
    await expectText(page.title, '30 of 40 connections are not up')
    await expect.poll(() => page.page.title()).toBe('✕ 1 failed, 10 of 40 connected · xstate-mqtt')
    expect(await page.page.locator('.cell').count()).toBe(40)
    expect(await page.page.locator('.cells h3').allTextContents()).toEqual([
      '✕ failed 1',
      '… waiting to retry 29',
      '✓ connected 10',
    ])
    expect(await violationsOf(page)).toEqual([])

    // The cells are one stop of the tab key.
    await page.page.locator('.cell').first().focus()
    expect(await focused(page)).toMatch(
      /^✕sensor-006failed · 5 min.*, failed, failed, connection refused: bad user name or password$/,
    )
    await keyboard.press('ArrowDown')
    expect(await focused(page)).toMatch(/^…sensor-001recovering.*, waiting to retry, recovering, connect EHOSTUNREACH/)
    await keyboard.press('ArrowRight')
    await expectText(page.page.locator('[data-test=member]'), /sensor-002recovering for \d.*connect ECONNREFUSED/)
    await keyboard.press('Home')
    await keyboard.press('Enter')
    await expectState(page, 'failed')
    await expectText(page.cause, 'bad user name or password')
    await expect.poll(() => page.page.title()).toBe('✕ failed · sensor-006 · xstate-mqtt')
    expect(await page.actor('').count(), 'only the actors of this connection').toBe(2)
    expect(await smallestText(page), 'of the chart, in pixels').toBeGreaterThanOrEqual(10.99)
    expect(await violationsOf(page)).toEqual([])
    await page.page.emulateMedia({ colorScheme: 'dark' })

    await keyboard.press('Escape')
    await expectText(page.title, '30 of 40 connections are not up')
    expect(await focused(page), 'the focus is where it was').toMatch(/^✕sensor-006/)

    await keyboard.press('/')
    await keyboard.type('ehost')
    await expect.poll(() => page.page.locator('.cell').count()).toBe(10)
    await keyboard.press('Enter')
    expect(await page.page.locator('.cell').count(), 'Enter does not choose one of several').toBe(10)
    await keyboard.press('ArrowDown')
    expect(await focused(page)).toMatch(/^…sensor-001/)
    await keyboard.press('Escape')
    await expect.poll(() => page.page.locator('.cell').count()).toBe(40)

    await keyboard.press('/')
    await keyboard.type('sensor-006')
    await expect.poll(() => page.page.locator('.cell').count()).toBe(1)
    await keyboard.press('Enter')
    await expectState(page, 'failed')
    await keyboard.press('Escape')
    await expectText(page.title, '30 of 40 connections are not up')
    await expect.poll(() => page.page.locator('.cell').count()).toBe(40)

    await page.page.getByRole('slider').focus()
    for (let presses = 0; presses < 5; presses++) await keyboard.press('PageUp')
    await expectText(page.title, 'All 40 connections are up')
    await expectText(page.page.locator('.past-note'), 'You see the state at')
    expect(await violationsOf(page)).toEqual([])
    await keyboard.press('Escape')
    await expectText(page.title, '30 of 40 connections are not up')

    const saving = page.page.waitForEvent('download')
    await page.page.getByRole('button', { name: 'Export' }).click()
    const lines = (await readFile(await (await saving).path(), 'utf8')).trim().split('\n')
    expect(lines.length).toBeGreaterThan(100)
    expect(JSON.parse(lines.at(-1) ?? '')).toMatchObject({
      actor: expect.stringMatching(/./),
      to: expect.stringMatching(/./),
    })

    // Nobody knows what a connection does that is not reported.
    await visualizer.close()
    await expectText(page.title, '40 of 40 connections do not report')
    await expectText(page.page.locator('[data-test=count-silent]'), '40')
    await expect.poll(() => page.page.title()).toBe('? Out of date · xstate-mqtt')
  })

  test('of 220 is usable on a phone, and its cells are not rendered again without a reason', async () => {
    const visualizer = await visualize()
    const actors = await fleetOutage({ inspect: visualizer.inspect, count: 220, outage: 2_000 })
    onEnd(async () => {
      for (const actor of actors) actor.stop()
    })
    const page = await open(visualizer.url, { viewport: { width: 390, height: 844 } })
    await expectText(page.title, '165 of 220 connections are not up')
    expect(await page.page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    await page.page.emulateMedia({ colorScheme: 'dark' })
    expect(await violationsOf(page)).toEqual([])
    // Only the cell of the connection that changes is touched.
    await page.page.evaluate(() => {
      const touched = new Set<string>()
      Object.assign(window, { touched })
      new MutationObserver((records) => {
        for (const { target } of records) {
          const cell =
            target instanceof Element
              ? target.closest<HTMLElement>('[data-id]')
              : target.parentElement?.closest<HTMLElement>('[data-id]')
          if (cell) touched.add(cell.textContent ?? '')
        }
      }).observe(document.querySelector('.cells')!, { subtree: true, attributes: true, characterData: true })
    })
    actors[0]?.send({ type: 'DISCONNECT' })
    await expectText(page.page.locator('[data-test=count-resting]'), '1')
    const touched = await page.page.evaluate(() => [...(window as unknown as { touched: Set<string> }).touched])
    expect(touched.filter((label) => !label.includes('sensor-001'))).toEqual([])
  })

  test('an empty page says how to connect an app, and shows its connection as soon as it reports', async () => {
    const visualizer = await visualize()
    const page = await open(visualizer.url)
    await expectText(page.title, 'No connection yet')
    await expectText(page.page.locator('.recipe pre'), `connectVisualizer('${visualizer.url}'`)
    expect(await violationsOf(page)).toEqual([])
    const actors = await fleetOutage({ inspect: visualizer.inspect, count: 1, outage: 0 })
    onEnd(async () => {
      for (const actor of actors) actor.stop()
    })
    await expectState(page, 'connected', 'ready')
  })
})
