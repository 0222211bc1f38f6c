import { describe, expect, test } from 'vitest'
import { createActor, createMachine, type InspectionEvent } from 'xstate'

import { connectVisualizer } from '../../visualizer/connect.ts'
import { expectState, expectText, noBrowser, usePages } from './page.ts'
import { startConnection } from './still-connection.ts'

describe.skipIf(noBrowser)('several processes', () => {
  const { visualize, open, onEnd } = usePages()

  async function connected(inspect: (event: InspectionEvent) => void) {
    const { actor, transport } = startConnection(inspect)
    onEnd(async () => actor.stop())
    actor.send({ type: 'CONNECT' })
    transport.current.open()
    await expect.poll(() => actor.getSnapshot().matches({ connected: 'ready' })).toBe(true)
    return actor
  }

  test('a dead one is grey, shows since when, and accepts no command; the page opens on a live one', async () => {
    const visualizer = await visualize({ allowCommands: true })
    const report = (name: string) => connectVisualizer(visualizer.url, { name, allowCommands: true })
    const dying = report('gateway 12')
    await connected(dying.inspect)
    const page = await open(visualizer.url)
    await expectText(page.title, /^Connected$/)
    await expectState(page, 'connected', 'ready')
    // The delay to a renewal that never comes is no countdown.
    expect(await page.page.locator('.delay-left').allTextContents()).not.toContainEqual(expect.stringContaining(' d '))
    const living = report('gateway 13')
    onEnd(async () => living.close())
    await connected(living.inspect)
    await expectText(page.title, /^Connected gateway 12 · connection$/)
    await expectText(page.page.locator('.row.named').filter({ hasText: 'gateway 13' }), 'connected.ready')
    expect(await page.page.getByRole('button', { name: 'Disconnect' }).isEnabled()).toBe(true)

    dying.close()
    await expectText(page.title, /^Not reporting since \d.*, last seen: Connected gateway 12/)
    await expectText(page.next, 'Its process ended, or cannot reach the visualizer.')
    expect(await page.page.locator('.status.family-resting, .chart.family-resting').count()).toBe(2)
    expect(await page.page.locator('.commands button:enabled').count()).toBe(0)
    const uptime = await page.page.locator('[data-test=outages]').textContent()
    const facts = await page.page.locator('.facts').textContent()
    const title = await page.title.textContent()
    // A day later, the title also has the date. The other parts must not change with the time.
    await page.page.evaluate(() => {
      const { now } = Date
      Date.now = () => now() + 86_400_000
    })
    await expect.poll(() => page.title.textContent()).not.toBe(title)
    expect(await page.page.locator('[data-test=outages]').textContent()).toBe(uptime)
    expect(await page.page.locator('.facts').textContent()).toBe(facts)

    const other = await open(visualizer.url)
    await expectText(other.title, /^Connected gateway 13/)
    expect(await other.page.locator('.tree-feed h3').allTextContents()).toEqual([
      expect.stringMatching(/^gateway 13/),
      expect.stringMatching(/^gateway 12.*not reporting/),
    ])
  })

  test('the return to the present selects the actor that was selected before', async () => {
    const visualizer = await visualize()
    await connected(visualizer.inspect)
    const page = await open(visualizer.url)
    await expectState(page, 'connected', 'ready')
    await page.page.getByLabel('Filter by kind').selectOption('every')
    await page.rows
      .filter({ has: page.page.locator('.row-actor', { hasText: 'subscriptions' }) })
      .first()
      .click()
    await expectState(page, 'settled')
    await page.page.keyboard.press('Escape')
    await expectState(page, 'connected', 'ready')
  })

  test('an actor without states is described as such, and has no outages', async () => {
    const visualizer = await visualize()
    const machine = createMachine({ id: 'plain', initial: 'reconnecting', states: { reconnecting: {} } })
    const actor = createActor(machine, { inspect: visualizer.inspect }).start()
    onEnd(async () => actor.stop())
    await connected(visualizer.inspect)
    const page = await open(visualizer.url)
    await expectText(page.page.locator('[data-test=outages]'), 'No outage')
    await page.actor('transport').click()
    await expectText(page.page.locator('.chart-wait'), 'transport is a promise, callback or other actor.')
    await expectText(page.actor('transport'), 'active')
    await page.actor('plain').click()
    expect(await page.page.locator('[data-test=outages]').textContent()).toBe('')
  })

  test('a machine of sixty states is drawn', async () => {
    const states = Array.from({ length: 60 }, (_, index) => [
      `s${index}`,
      { on: { NEXT: `s${(index + 1) % 60}`, [`JUMP${index}`]: `s${(index * 7) % 60}` } },
    ])
    const visualizer = await visualize()
    const big = createMachine({ id: 'big', initial: 's0', states: Object.fromEntries(states) as never })
    const actor = createActor(big, { inspect: visualizer.inspect }).start()
    onEnd(async () => actor.stop())
    const page = await open(visualizer.url)
    await expectState(page, 's0')
    expect(await page.page.locator('.node').count()).toBe(60)
  })
})
