import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { browse, noBrowser, type Browsing } from '../../measure/lab/browser.ts'
import { createScriptedServer, type ScriptedServer } from '../../testing/index.ts'
import { clientScript } from './client-script.ts'

describe.skipIf(noBrowser)('a client in a browser', () => {
  let browsing: Browsing
  let script: string

  beforeAll(async () => {
    script = await clientScript()
    browsing = await browse()
  })
  afterAll(() => browsing?.[Symbol.asyncDispose]())

  async function open(server: ScriptedServer) {
    const page = await browsing.context.newPage()
    await page.addScriptTag({ content: script })
    await page.evaluate((url) => {
      globalThis.client = new XstateMqtt.ResilientMqttClient({
        url,
        // No attempt follows by itself within the test.
        reconnect: { initialDelay: 3_600_000, maxDelay: 3_600_000 },
      })
      globalThis.client.connect().catch(() => {})
    }, server.url)
    return page
  }

  const state = (page: Page) => page.evaluate(() => globalThis.client.status.state)

  test('probes its connection, and ends a delay, when the network is back', async () => {
    await using server = await createScriptedServer({ transport: 'ws' })
    const page = await open(server)
    await expect.poll(() => state(page)).toBe('connected')
    await browsing.context.setOffline(true)
    await browsing.context.setOffline(false)
    await server.waitFor('pingreq')

    await browsing.context.setOffline(true)
    server.kick()
    await expect.poll(() => state(page)).toBe('reconnecting')
    await browsing.context.setOffline(false)
    await expect.poll(() => state(page)).toBe('connected')
    await page.close()
  })

  test('probes its connection when the page is visible again', async () => {
    await using server = await createScriptedServer({ transport: 'ws' })
    const page = await open(server)
    await expect.poll(() => state(page)).toBe('connected')
    await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')))
    await server.waitFor('pingreq')
    await page.close()
  })
})
