import { build } from 'esbuild'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { browse, noBrowser, type Browsing } from '../../measure/lab/browser.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A page of an application: `publish(n)` returns how many durable publishes were accepted, or the problem. */
const application = `
  import { BrowserLevel } from 'browser-level'
  import { ResilientMqttClient } from './src/index.ts'

  let client
  window.publish = async (count) => {
    client ??= new ResilientMqttClient({
      url: 'ws://127.0.0.1:9',
      store: new BrowserLevel('outbox', { keyEncoding: 'view', valueEncoding: 'view' }),
      logger: { debug() {}, info() {}, warn() {}, error() {} },
    })
    const publishes = Array.from({ length: count }, (_, n) => client.publish('a', String(n), { qos: 1, durable: true }))
    const outcomes = await Promise.allSettled(publishes.map(({ accepted }) => accepted))
    const [refused] = outcomes.filter(({ status }) => status === 'rejected')
    return { accepted: outcomes.filter(({ status }) => status === 'fulfilled').length, problem: refused?.reason.problem }
  }
  window.restored = async () => {
    const restored = await new Promise((resolve) => {
      client = new ResilientMqttClient({
        url: 'ws://127.0.0.1:9',
        store: new BrowserLevel('outbox', { keyEncoding: 'view', valueEncoding: 'view' }),
        logger: { debug() {}, info() {}, warn() {}, error() {} },
      })
      client.on('outboxRestored', resolve)
      client.connect().catch(() => {})
    })
    return restored.waiting
  }
`

describe.skipIf(noBrowser)('one IndexedDB', () => {
  let browsing: Browsing
  let url: string
  const server = createServer()

  beforeAll(async () => {
    const { outputFiles } = await build({
      stdin: { contents: application, resolveDir: root },
      bundle: true,
      format: 'esm',
      platform: 'browser',
      target: 'es2022',
      write: false,
    })
    server.on('request', (request, response) => {
      const isScript = request.url === '/app.js'
      response.setHeader('content-type', isScript ? 'text/javascript' : 'text/html')
      response.end(isScript ? outputFiles[0]?.contents : '<!doctype html><script type="module" src="/app.js"></script>')
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
    browsing = await browse()
  })

  afterAll(async () => {
    await browsing?.[Symbol.asyncDispose]()
    server.close()
  })

  const open = async () => {
    const page = await browsing.context.newPage()
    await page.goto(url)
    await page.waitForFunction('window.publish')
    return page
  }

  test('belongs to the tab that has it open, and then to the next one', async () => {
    const [first, second] = [await open(), await open()]
    expect(await first.evaluate('publish(10)')).toEqual({ accepted: 10, problem: undefined })
    expect(await second.evaluate('publish(10)')).toEqual({ accepted: 0, problem: 'locked' })
    await first.close()
    const third = await open()
    expect(await third.evaluate('restored()'), 'accepted publishes are restored').toBe(10)
  })
})
