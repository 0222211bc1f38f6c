import { describe, expect, test, vi } from 'vitest'
import { createActor } from 'xstate'

import { spendNight } from '../../measure/lab/night.ts'
import { createTestClock } from '../../testing/index.ts'
import type { Visualizer } from '../../visualizer/options.ts'
import { trafficLight } from '../support/traffic-light.ts'
import { expectState, expectText, noBrowser, usePages } from './page.ts'
import { startConnection } from './still-connection.ts'

describe.skipIf(noBrowser)('looking around', () => {
  const { visualize, open, onEnd } = usePages()

  function connection({ inspect }: Visualizer, id: string) {
    const started = startConnection(inspect, id)
    onEnd(async () => started.actor.stop())
    return started
  }

  test('a page that opens late shows the history and the summary for an operator', async () => {
    const visualizer = await visualize()
    const actor = await spendNight(visualizer)
    onEnd(async () => actor.stop())
    // The page reads the server’s clock when it connects, so its countdown starts with the page.
    vi.spyOn(Date, 'now').mockReturnValue(Date.now())
    const page = await open(visualizer.url)
    await expectText(page.title, 'Recovering — cycle 2 of 10')
    await expectText(page.next, /^Next attempt in \d+ s, with a new client\.\s*$/)
    await expectText(page.cause, /^Cause: connect ECONNREFUSED 10\.0\.0\.1:8883\.\s*$/)
    await expectText(page.page.locator('.status-outage'), /^Offline for 2 min \d+ s\.$/)
    await expectText(page.page.locator('[data-test=outages]'), '4 outages, the longest 11 min')
    await expectText(page.page.locator('.facts'), /Attempt7 of 7Recovery cycle2 of 10/)
    expect(await page.rows.count()).toBeLessThan(40)
  })

  test('time travel shows chart, summary and context as they were, and returns', async () => {
    const visualizer = await visualize()
    const { actor, transport } = connection(visualizer, 'connection')
    actor.send({ type: 'CONNECT' })
    transport.current.open()
    await expect.poll(() => actor.getSnapshot().matches({ connected: 'ready' })).toBe(true)
    transport.current.fail({ kind: 'socket', message: 'read ECONNRESET' })
    const page = await open(visualizer.url)
    await expectState(page, 'reconnecting')

    await page.row('transport.opened').click()
    await expectState(page, 'connected', 'restoring')
    await expectText(page.title, 'Restoring subscriptions')
    await expectText(page.page.locator('.past-note'), 'You see the state at')
    await expectText(page.page.locator('.context-body'), /openedAt\s*\d{13}/)
    expect(await page.page.locator('.edge.last .edge-label').allTextContents()).toEqual(['transport.opened'])
    expect(await page.page.locator('.edge.visited').count()).toBe(3)

    // With the keyboard. New events wait meanwhile.
    await page.page.getByLabel('Filter by actor').selectOption('actor')
    await page.page.getByRole('listbox').focus()
    await page.page.keyboard.press('ArrowDown')
    await expectState(page, 'connecting')
    actor.send({ type: 'DISCONNECT' })
    await expectText(page.page.getByRole('button', { name: /^Resume/ }), /[1-9]\d* new/)
    await expectState(page, 'connecting')

    await page.page.keyboard.press('Escape')
    await expectState(page, 'disconnected')
    await expectText(page.title, 'Disconnected')
    await expectText(page.link, 'Live')
  })

  test('the servers of a connection are listed with their health', async () => {
    const visualizer = await visualize()
    const { actor } = connection(visualizer, 'connection')
    const health = { weight: 1, attempts: 1, connects: 0, failures: 0, lastFailure: null, tried: true, movedTo: null }
    const cooling = { coolingUntil: Date.now() + 3_600_000, connectTime: null, failures: 2 }
    const servers = [
      { ...health, server: 'mqtts://a:8883', priority: 0, ...cooling },
      { ...health, server: 'mqtts://b:8883', priority: 1, coolingUntil: null, connectTime: 40, movedTo: 'c:8883' },
    ]
    actor.send({ type: 'CONNECT' })
    const page = await open(visualizer.url)
    await expectState(page, 'connecting')
    expect(await page.page.locator('.server').count(), 'no list is known yet').toBe(0)
    actor.send({ type: 'server.chosen', current: 'mqtts://b:8883', address: 'mqtts://c:8883', moved: true, servers })
    await expectText(page.page.locator('.server').first(), /mqtts:\/\/a:8883 cooling down.*2 failures/)
    await expectText(page.page.locator('.server').last(), /mqtts:\/\/b:8883 in use.*moved to c:8883/)
  })

  test('several systems are shown beside each other, each with its own chart', async () => {
    const visualizer = await visualize()
    const one = connection(visualizer, 'kitchen')
    const two = connection(visualizer, 'cellar')
    one.actor.send({ type: 'CONNECT' })
    two.actor.send({ type: 'CONNECT' })
    two.transport.current.fail({ kind: 'refused', reasonCode: 4, protocolVersion: 4 })
    // The subscriptions actor comes with the first connection.
    one.transport.current.open()
    one.transport.current.fail({ kind: 'closed' })
    one.actor.send({ type: 'RETRY' })
    const page = await open(visualizer.url)
    await expectText(page.actor('kitchen'), 'connecting')
    await expectText(page.actor('cellar'), 'failed')
    await page.actor('cellar').click()
    await expectState(page, 'failed')
    await expectText(page.cause, 'Cause: connection refused: bad user name or password.')
    await page.actor('kitchen').click()
    await expectState(page, 'connecting')
    await page.actor('subscriptions').first().click()
    await expectState(page, 'offline')
    // The status stays that of the connection.
    await expectText(page.title, 'Connecting')
  })

  test('a foreign machine is laid out in the page', async () => {
    const visualizer = await visualize()
    const actor = createActor(trafficLight, { clock: createTestClock(), inspect: visualizer.inspect }).start()
    onEnd(async () => actor.stop())
    const page = await open(visualizer.url)
    await expectState(page, 'green')
    await expectText(page.page.locator('.node.active'), /after 60 s(\d+ s|1 min|now)/)
    actor.send({ type: 'CHANGE' })
    actor.send({ type: 'CHANGE' })
    await expectState(page, 'red', 'walk')
    await expectText(page.page.locator('.edge.last .edge-label'), 'CHANGE')
    await page.row('CHANGE', 'yellow → red.walk').waitFor()
  })

  test('search and filter', async () => {
    const visualizer = await visualize()
    const { actor, transport } = connection(visualizer, 'connection')
    actor.send({ type: 'CONNECT' })
    transport.current.open()
    transport.current.fail({ kind: 'socket', message: 'getaddrinfo ENOTFOUND broker' })
    actor.send({ type: 'RETRY' })
    const page = await open(visualizer.url)
    await page.row('RETRY').waitFor()
    await page.page.keyboard.press('/')
    // Keys that come before would be shortcuts.
    await expect.poll(() => page.page.evaluate(() => document.activeElement?.tagName)).toBe('INPUT')
    await page.page.keyboard.type('enotfound')
    await expect.poll(() => page.rows.count()).toBe(1)
    await expectText(page.rows, 'getaddrinfo ENOTFOUND broker')
    await page.page.getByLabel('Search events').fill('')
    await expect.poll(() => page.rows.count()).toBeGreaterThan(1)
    const changes = await page.rows.count()
    await page.page.getByLabel('Filter by kind').selectOption('every')
    await expect.poll(() => page.rows.count()).toBeGreaterThan(changes)
    await page.actor('subscriptions').click()
    await page.page.getByLabel('Filter by actor').selectOption('actor')
    await expect.poll(() => page.rows.filter({ hasText: 'transport.failed' }).count()).toBe(0)
  })
})
