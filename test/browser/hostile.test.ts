import { describe, expect, test } from 'vitest'
import { createActor, createMachine } from 'xstate'

import { expectState, expectText, noBrowser, usePages } from './page.ts'
import { startConnection } from './still-connection.ts'

const HTML = '<img src="https://evil.example/x" onerror="alert(1)"><script>alert(2)</script>'

describe.skipIf(noBrowser)('untrusted text', () => {
  const { visualize, open, onEnd } = usePages()

  test('is shown as plain text in failures and names, without invisible or reordering characters', async () => {
    const visualizer = await visualize({ name: HTML })
    const { actor, transport } = startConnection(visualizer.inspect, `${HTML}\u202Egpj.exe`)
    onEnd(async () => actor.stop())
    actor.send({ type: 'CONNECT' })
    actor.send({
      type: 'PERIODIC.START',
      schedule: { id: `ping ${HTML}`, interval: 1_000, jitter: 0, responseTimeout: null },
    })
    transport.current.fail({ kind: 'socket', message: `${HTML}\u202E\u0000 and more` })
    const page = await open(visualizer.url)
    await expect.poll(() => page.cause.textContent()).toContain(`${HTML}␣␣ and more`)
    await page.row('transport.failed', HTML).click()
    await expectText(page.page.locator('.context-body'), 'evil.example')
    await expectState(page, 'reconnecting')
    expect(await page.page.locator('body img, body script').count()).toBe(0)
    expect(await page.page.locator('body').innerText()).not.toContain('\u202E')
  })

  test('is shown as plain text in a foreign machine', async () => {
    const visualizer = await visualize()
    const machine = createMachine({
      id: HTML,
      initial: HTML,
      context: { __proto__: null, [HTML]: HTML, constructor: 'mine', toString: 'mine' },
      states: {
        [HTML]: { description: HTML, tags: [HTML], on: { [`GO ${HTML}`]: { target: 'b', guard: { type: HTML } } } },
        b: { on: { constructor: 'b', toString: 'b' } },
      },
    } as never)
    const actor = createActor(machine, { inspect: visualizer.inspect }).start()
    onEnd(async () => actor.stop())
    const page = await open(visualizer.url)
    await expect.poll(() => page.active()).toHaveLength(1)
    await page.page.locator('.node').first().click()
    await page.page.getByText(/^Context of/).click()
    await expectText(page.page.locator('.context-body'), 'evil.example')
    expect(await page.page.locator('body img, body script').count()).toBe(0)
  })
})
