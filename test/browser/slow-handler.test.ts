import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { browse, noBrowser, type Browsing } from '../../measure/lab/browser.ts'
import { createScriptedServer } from '../../testing/index.ts'
import { clientScript } from './client-script.ts'

describe.skipIf(noBrowser)('a slow handler in a browser', () => {
  let browsing: Browsing
  let script: string

  beforeAll(async () => {
    script = await clientScript()
    browsing = await browse()
  })
  afterAll(() => browsing?.[Symbol.asyncDispose]())

  test('bounds what waits, although the WebSocket can not be paused', async () => {
    await using server = await createScriptedServer({ transport: 'ws' })
    const page = await browsing.context.newPage()
    await page.addScriptTag({ content: script })
    await page.evaluate(async (url) => {
      globalThis.client = new XstateMqtt.ResilientMqttClient({ url, inbox: { maxUnprocessed: 10 } })
      await globalThis.client.connect()
      await globalThis.client.subscribe('in', () => new Promise(() => {}), { ack: 'after-handler' }).ready
    }, server.url)
    const sent = 40_000
    for (let i = 0; i < sent; i++) server.publish('in', 'x'.repeat(100))
    const inbox = () => page.evaluate(() => globalThis.client.status.inbox)
    await expect
      .poll(async () => {
        const { unprocessed, waiting, dropped } = await inbox()
        return unprocessed + waiting + dropped
      })
      .toBe(sent)
    // The limit twice, 1,024 that are read ahead, and a chunk of 16,384.
    expect((await inbox()).waiting).toBe(10 + 1_024 + 16_384)
    // Answers come behind the messages.
    await expect(page.evaluate(() => globalThis.client.publish('out', 'x', { qos: 1 }))).resolves.toEqual({
      reasonCode: 0,
    })
    await page.close()
  })
})
