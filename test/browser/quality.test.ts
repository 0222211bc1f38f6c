import { describe, expect, test } from 'vitest'
import { createActor, setup } from 'xstate'

import { spendNight } from '../../measure/lab/night.ts'
import { violationsOf } from './axe.ts'
import { expectState, expectText, noBrowser, usePages } from './page.ts'

describe.skipIf(noBrowser)('the page', () => {
  const { visualize, open, onEnd } = usePages()

  test.each(['light', 'dark'] as const)('is accessible: axe finds nothing (%s)', async (colorScheme) => {
    const visualizer = await visualize({ allowCommands: true })
    const actor = await spendNight(visualizer)
    onEnd(async () => actor.stop())
    const page = await open(visualizer.url)
    await page.page.emulateMedia({ colorScheme })
    await expectState(page, 'recovering')
    expect(await violationsOf(page)).toEqual([])
    await page.rows.nth(2).click()
    await page.page.locator('.node.active .node-name').last().click()
    expect(await violationsOf(page)).toEqual([])
  })

  test('is usable on a phone: nothing is wider than the screen', async () => {
    const visualizer = await visualize({ allowCommands: true })
    const actor = await spendNight(visualizer)
    onEnd(async () => actor.stop())
    const page = await open(visualizer.url, { viewport: { width: 390, height: 844 } })
    await expectState(page, 'recovering')
    expect(await page.page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    expect(await page.page.locator('.node.active').isVisible()).toBe(true)
    expect(await violationsOf(page)).toEqual([])
  })

  test('counts each event of a burst and shows the newest ones, with a bounded number of rows', async () => {
    const visualizer = await visualize({ history: 10_000 })
    const counter = setup({ types: { events: {} as { type: 'TICK' } | { type: 'STOP' } } }).createMachine({
      id: 'counter',
      initial: 'odd',
      states: { odd: { on: { TICK: 'even', STOP: 'stopped' } }, even: { on: { TICK: 'odd' } }, stopped: {} },
    })
    const actor = createActor(counter, { inspect: visualizer.inspect }).start()
    onEnd(async () => actor.stop())
    const page = await open(visualizer.url)
    await expectState(page, 'odd')
    const start = performance.now()
    for (let frame = 0; frame < 18; frame++) {
      for (let sent = 0; sent < 100; sent++) actor.send({ type: 'TICK' })
      await page.page.evaluate(() => new Promise(requestAnimationFrame))
      expect(await page.rows.count()).toBeLessThan(40)
    }
    actor.send({ type: 'STOP' })
    await expectState(page, 'stopped')
    console.log(`1,800 events shown after ${Math.round(performance.now() - start)} ms`)
    await expectText(page.rows, 'STOP')
    expect(await page.page.locator('.edge-count').allTextContents()).toEqual(['900', '1', '900'])
    expect(await page.rows.count()).toBeLessThan(40)
  })

  test('can be used without a mouse', async () => {
    const visualizer = await visualize()
    const actor = await spendNight(visualizer)
    onEnd(async () => actor.stop())
    const page = await open(visualizer.url)
    await expectState(page, 'recovering')
    const box = () => page.page.locator('.chart-svg').getAttribute('viewBox')
    const whole = await box()
    await page.page.getByRole('group', { name: /^Chart/ }).focus()
    await page.page.keyboard.press('+')
    await expect.poll(box).not.toBe(whole)
    await page.page.keyboard.press('0')
    await expect.poll(box).toBe(whole)
    await page.page.keyboard.press('Enter')
    await expectText(page.page.locator('.node-details'), /^recovering.*The slow tier/)

    await page.actor('subscriptions').focus()
    await page.page.keyboard.press('Enter')
    await expectState(page, 'offline')
    await page.page.getByRole('button', { name: '‹ Outage' }).focus()
    await page.page.keyboard.press('Enter')
    await expectText(page.page.locator('.past-note'), 'You see the state at')
    await page.page.getByRole('button', { name: /^Colours/ }).click()
    await expect.poll(() => page.page.evaluate(() => document.documentElement.dataset.theme)).toBe('light')
  })
})
