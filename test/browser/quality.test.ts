import type axe from 'axe-core'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { describe, expect, test } from 'vitest'
import { createActor, setup } from 'xstate'

import { spendNight } from '../../measure/lab/night.ts'
import { expectState, expectText, noBrowser, usePages, type VisualizerPage } from './page.ts'

const axeSource = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

describe.skipIf(noBrowser)('the page', () => {
  const { visualize, open, onEnd } = usePages()

  test.each(['light', 'dark'] as const)('is accessible: axe finds nothing serious (%s)', async (colorScheme) => {
    const visualizer = await visualize({ allowCommands: true })
    const actor = await spendNight(visualizer)
    onEnd(async () => actor.stop())
    const page = await open(visualizer.url)
    await page.page.emulateMedia({ colorScheme })
    await expectState(page, 'recovering')
    expect(await violations(page)).toEqual([])
    await page.rows.nth(2).click()
    await page.page.locator('.node.active .node-name').last().click()
    expect(await violations(page)).toEqual([])
  })

  test('is usable on a phone: nothing is wider than the screen', async () => {
    const visualizer = await visualize({ allowCommands: true })
    const actor = await spendNight(visualizer)
    onEnd(async () => actor.stop())
    const page = await open(visualizer.url, { viewport: { width: 390, height: 844 } })
    await expectState(page, 'recovering')
    expect(await page.page.evaluate(() => document.documentElement.scrollWidth)).toBe(390)
    expect(await page.page.locator('.node.active').isVisible()).toBe(true)
    expect(await violations(page)).toEqual([])
  })

  test('keeps up with 1,000 events a second', async () => {
    const visualizer = await visualize({ history: 10_000 })
    const counter = setup({ types: { events: {} as { type: 'TICK' } } }).createMachine({
      id: 'counter',
      initial: 'odd',
      states: { odd: { on: { TICK: 'even' } }, even: { on: { TICK: 'odd' } } },
    })
    const actor = createActor(counter, { inspect: visualizer.inspect }).start()
    const page = await open(visualizer.url)
    await expectState(page, 'odd')
    let sent = 0
    const start = performance.now()
    const timer = setInterval(() => {
      for (; sent < performance.now() - start; sent++) actor.send({ type: 'TICK' })
    }, 5)
    onEnd(async () => clearInterval(timer))
    const frames = await page.page.evaluate(
      () =>
        new Promise<number[]>((resolve) => {
          const times: number[] = []
          const frame = (time: number) => {
            times.push(time)
            if (time - (times[0] ?? 0) < 3_000) requestAnimationFrame(frame)
            else resolve(times.slice(1).map((end, index) => end - (times[index] ?? 0)))
          }
          requestAnimationFrame(frame)
        }),
    )
    clearInterval(timer)
    const sorted = frames.toSorted((a, b) => a - b)
    const [median = 0, slow = 0] = [sorted[Math.floor(sorted.length / 2)], sorted[Math.floor(sorted.length * 0.95)]]
    console.log(
      `${sent} events, ${frames.length} frames in 3 s: median ${median.toFixed(1)} ms, 95 % below ${slow.toFixed(1)} ms`,
    )
    // 60 frames a second on an idle machine; tests share theirs.
    expect(median).toBeLessThan(34)
    expect(await page.rows.count()).toBeLessThan(40)
    await expect.poll(() => page.page.locator('.edge.last').count()).toBeGreaterThan(0)
    actor.stop()
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

async function violations({ page }: VisualizerPage): Promise<string[]> {
  // The page's CSP blocks our script, but not the debugger's.
  await page.evaluate(axeSource)
  const found = await page.evaluate(async () => {
    const { violations: all } = await (window as unknown as { axe: typeof axe }).axe.run(document)
    return all.map(({ id, impact, nodes }) => ({ id, impact, targets: nodes.map(({ html }) => html.slice(0, 160)) }))
  })
  return found
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .map(({ id, targets }) => `${id}: ${targets.slice(0, 3).join(' | ')}`)
}
