import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { describe, expect, test } from 'vitest'
import { createActor } from 'xstate'

import { createTestClock } from '../../testing/index.ts'
import type { Visualizer, VisualizerOptions } from '../../visualizer/options.ts'
import { trafficLight } from '../support/traffic-light.ts'
import { expectState, expectText, noBrowser, usePages } from './page.ts'
import { startConnection } from './still-connection.ts'

describe.skipIf(noBrowser)('the connection to the server', () => {
  const { visualize, open, onEnd } = usePages()

  function light({ inspect }: Visualizer, id: string) {
    const actor = createActor(trafficLight, { id, clock: createTestClock(), inspect }).start()
    onEnd(async () => actor.stop())
    return actor
  }

  test('is restored and shown as live after the server has restarted', async () => {
    const first = await visualize()
    const port = Number(new URL(first.url).port)
    light(first, 'before')
    const page = await open(first.url)
    await expectText(page.actor('before'), 'green')
    await expectText(page.link, 'Live')

    await first.close()
    await expectText(page.link, /No connection to the visualizer for .*This page is out of date/)
    await expectText(page.actor('before'), 'green')

    const second = await visualize({ port })
    light(second, 'after').send({ type: 'CHANGE' })
    await expectText(page.link, 'Live')
    await expectText(page.actor('after'), 'yellow')
    // This is another server: the actors of the old one are gone.
    expect(await page.actor('before').count()).toBe(0)
  })

  test('is refused with a token from before the restart', async () => {
    const first = await visualize()
    const port = Number(new URL(first.url).port)
    const page = await open(first.url)
    await expectText(page.link, 'Live')
    await first.close()
    await visualize({ port, token: 'quite another token' })
    await expectText(page.link, 'no longer accepts this page’s token')
  })

  test('needs the right token from the start', async () => {
    const { url } = await visualize()
    const page = await open(url.replace(/token=.*/, 'token=wrong'))
    await expectText(page.page.locator('body'), 'The token is missing or wrong.')
  })

  test('is refused for pages of other sites, even with a token', async () => {
    const { url } = await visualize()
    const site = createServer((_, response) =>
      response.setHeader('content-type', 'text/html').end('<p>Another site'),
    ).listen(0, '127.0.0.1')
    onEnd(async () => site.close())
    await new Promise((resolve) => site.once('listening', resolve))
    const page = await open(`http://127.0.0.1:${(site.address() as AddressInfo).port}`)
    const socket = url.replace('http:', 'ws:').replace('/?', '/viewer?')
    const outcome = await page.page.evaluate(
      (address) =>
        new Promise((resolve) => {
          const webSocket = new WebSocket(address)
          webSocket.addEventListener('open', () => resolve('open'))
          webSocket.addEventListener('close', () => resolve('refused'))
        }),
      socket,
    )
    expect(outcome).toBe('refused')
  })
})

describe.skipIf(noBrowser)('commands', () => {
  const { visualize, open, onEnd } = usePages()

  async function started(options: VisualizerOptions) {
    const visualizer = await visualize(options)
    const { actor, transport } = startConnection(visualizer.inspect, 'connection')
    onEnd(async () => actor.stop())
    return { actor, transport, page: await open(visualizer.url) }
  }

  test('are not offered when they are not allowed', async () => {
    const { page } = await started({})
    await expectState(page, 'idle')
    expect(await page.page.getByRole('group', { name: 'Commands' }).count()).toBe(0)
  })

  test('are sent to the machine, and enabled if the machine accepts them', async () => {
    const { page, actor, transport } = await started({ allowCommands: true })
    const button = (name: string) => page.page.getByRole('button', { name, exact: true })
    await expectState(page, 'idle')
    expect(await button('Retry now').isDisabled()).toBe(true)
    await button('Connect').click()
    // The page shows this for six seconds only.
    await expectText(page.page.locator('.toast'), 'Sent CONNECT to connection.')
    await expectState(page, 'connecting')
    transport.current.fail()
    await expectState(page, 'reconnecting')
    await button('Retry now').click()
    await expect.poll(() => transport.connections.length).toBe(2)
    transport.current.open()
    await expectState(page, 'connected', 'ready')
    await button('Disconnect').click()
    await button('Disconnect: sure?').waitFor()
    expect(actor.getSnapshot().hasTag('online')).toBe(true)
    // The page forgets the first click after four seconds. If it has, these two clicks ask again and confirm.
    await page.page.getByRole('button', { name: /^Disconnect/ }).dblclick()
    await expectState(page, 'disconnected')
  })

  test('are disabled while the page shows the past', async () => {
    const { page } = await started({ allowCommands: true })
    await page.page.getByRole('button', { name: 'Connect', exact: true }).click()
    await page.row('CONNECT').click()
    await expectText(page.page.locator('.past-note'), 'You see the state at')
    expect(await page.page.getByRole('button', { name: 'Disconnect', exact: true }).isDisabled()).toBe(true)
  })
})
