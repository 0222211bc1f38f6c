import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { noBrowser } from '../../measure/lab/browser.ts'
import { createEmbeddedBroker, createScriptedServer, type ScriptedServer } from '../../testing/index.ts'
import { type ApplicationServer, serveApplication } from './application.ts'

describe.skipIf(noBrowser)('a client in a browser', () => {
  let application: ApplicationServer

  beforeAll(async () => {
    application = await serveApplication()
  })
  afterEach(async () => {
    // The first page stays, so that the browser does not end.
    for (const page of application.browsing.context.pages().slice(1)) await page.close()
  })
  afterAll(() => application?.[Symbol.asyncDispose]())

  /** @returns a page with a client that is connected, and makes no further attempt by itself within the test */
  async function connect(server: ScriptedServer, options: { readonly keepalive?: number } = {}) {
    const page = await application.open()
    await page.evaluate(
      ([url, connectOptions]) => {
        const hour = 3_600_000
        app.create({ url, options: connectOptions, reconnect: { initialDelay: hour, maxDelay: hour } })
        return app.client.connect()
      },
      [server.url, options] as const,
    )
    return page
  }

  const state = (page: Page) => page.evaluate(() => app.client.status.state)

  test('probes its connection, and ends a delay, when the network is back', async () => {
    await using server = await createScriptedServer({ transport: 'ws' })
    const page = await connect(server)
    const { context } = application.browsing
    await context.setOffline(true)
    await context.setOffline(false)
    await server.waitFor('pingreq')

    await context.setOffline(true)
    server.kick()
    await expect.poll(() => state(page)).toBe('reconnecting')
    await context.setOffline(false)
    await expect.poll(() => state(page)).toBe('connected')
  })

  test('probes its connection when its tab is visible again', async () => {
    await using server = await createScriptedServer({ transport: 'ws' })
    const page = await connect(server)
    await application.open()
    expect(server.received('pingreq')).toEqual([])
    await page.bringToFront()
    await server.waitFor('pingreq')
  })

  test('connects again when the browser goes on with a page that it had frozen', async () => {
    await using server = await createScriptedServer({ transport: 'ws' })
    const page = await application.open()
    await page.evaluate((url) => app.create({ url }).connect(), server.url)
    // Only a hidden page can be frozen.
    await application.open()
    const lifecycle = await application.browsing.context.newCDPSession(page)
    await lifecycle.send('Page.setWebLifecycleState', { state: 'frozen' })
    // From now on Chromium delivers nothing, and ends the WebSocket. The page learns this later, the server too.
    expect(server.openSockets).toBe(1)
    await lifecycle.send('Page.setWebLifecycleState', { state: 'active' })
    await server.waitFor('connect', { count: 2 })
    await expect.poll(() => state(page)).toBe('connected')
    expect(await page.evaluate(() => app.reported)).toEqual(['freeze', 'resume'])
  })

  test('connects again when the visitor comes back to a page that the browser had kept', async () => {
    await using server = await createScriptedServer({ transport: 'ws' })
    const page = await application.open()
    await page.evaluate((url) => app.create({ url }).connect(), server.url)
    await page.evaluate(() => addEventListener('pageshow', ({ persisted }) => (document.title = `kept: ${persisted}`)))
    await page.goto('about:blank')
    // As while it is frozen: the broker learns nothing.
    expect(server.openSockets).toBe(1)
    await page.goBack({ waitUntil: 'commit' })
    await server.waitFor('connect', { count: 2 })
    await expect.poll(() => state(page)).toBe('connected')
    expect(await page.title()).toBe('kept: true')
  })

  test('keeps its connection alive without workers, which a Content Security Policy may forbid', async () => {
    await using server = await createScriptedServer({ transport: 'ws' })
    const page = await connect(server, { keepalive: 1_000 })
    await server.waitFor('pingreq', { count: 2 })
    expect(page.workers()).toEqual([])
    expect(await page.evaluate(() => app.reported)).toEqual([])
  })

  test('says what to use instead of a URL of TCP', async () => {
    const page = await application.open()
    const message = await page.evaluate(() => {
      try {
        return app.create({ url: 'mqtts://localhost' }).status.state
      } catch (error) {
        return `${error as Error}`
      }
    })
    expect(message).toMatch(/^InvalidOptionError: url must begin with ws: or wss: in a browser, .*, got "mqtts:"$/)
  })

  test('bounds what waits for a slow handler, although the WebSocket can not be paused', async () => {
    await using server = await createScriptedServer({ transport: 'ws' })
    const page = await application.open()
    await page.evaluate(async (url) => {
      const client = app.create({ url, inbox: { maxUnprocessed: 10 } })
      await client.connect()
      await client.subscribe('in', () => new Promise(() => {}), { ack: 'after-handler' }).ready
    }, server.url)
    const sent = 18_000
    for (let i = 0; i < sent; i++) server.publish('in', 'x'.repeat(100))
    const inbox = () => page.evaluate(() => app.client.status.inbox)
    await expect
      .poll(async () => {
        const { unprocessed, waiting, dropped } = await inbox()
        return unprocessed + waiting + dropped
      })
      .toBe(sent)
    // The limit twice, 1,024 that are read ahead, and a chunk of 16,384.
    expect((await inbox()).waiting).toBe(10 + 1_024 + 16_384)
    // Answers come behind the messages.
    await expect(page.evaluate(() => app.client.publish('out', 'x', { qos: 1 }))).resolves.toEqual({ reasonCode: 0 })
  })

  test('runs in each kind of worker', async () => {
    await using broker = await createEmbeddedBroker({ webSocket: true })
    const workers = new Set<string>()
    broker.onPublish(({ payload }) => void workers.add(payload.toString()))
    const page = await application.open()
    await page.evaluate((url) => {
      const script = `/app.js?${encodeURIComponent(url)}`
      Object.assign(globalThis, { workers: [new Worker(script), new SharedWorker(script)] })
      return navigator.serviceWorker.register(script)
    }, broker.wsUrl)
    await expect
      .poll(() => workers)
      .toEqual(new Set(['DedicatedWorkerGlobalScope', 'SharedWorkerGlobalScope', 'ServiceWorkerGlobalScope']))
  })

  describe('with a store in IndexedDB', () => {
    /** Publishes durably and returns how many publishes were accepted, or the problem of the store. */
    const publish = (page: Page, count: number, url = 'ws://127.0.0.1:9') =>
      page.evaluate(
        async ([server, publishes]) => {
          const store = app.store()
          // A store opens by itself, and it is open when a bundler has split the code that uses it.
          await store.open()
          const client = app.create({ url: server, store })
          const promises = Array.from({ length: publishes }, (_, n) =>
            client.publish('a', `${n}`, { qos: 1, durable: true }),
          )
          for (const each of promises) each.catch(() => {})
          const outcomes = await Promise.allSettled(promises.map(({ accepted }) => accepted))
          const refused = outcomes.find((each) => each.status === 'rejected')
          return refused ? (refused.reason as { problem: string }).problem : outcomes.length
        },
        [url, count] as const,
      )

    test('delivers after a reload what was published offline', async () => {
      await using broker = await createEmbeddedBroker({ webSocket: true })
      const delivered: string[] = []
      broker.onPublish(({ payload }) => void delivered.push(payload.toString()))
      await broker.stop()
      const page = await application.open()
      expect(await publish(page, 3, broker.wsUrl)).toBe(3)
      await page.reload()
      await broker.start()
      await page.evaluate((url) => app.create({ url, store: app.store() }).connect(), broker.wsUrl)
      await expect.poll(() => delivered).toEqual(['0', '1', '2'])
    })

    test('belongs to the tab that has it open, and then to the next one', async () => {
      const [first, second] = [await application.open(), await application.open()]
      expect(await publish(first, 10)).toBe(10)
      expect(await publish(second, 10)).toBe('locked')
      await first.close()
      const third = await application.open()
      const restored = await third.evaluate(async () => {
        const client = app.create({ url: 'ws://127.0.0.1:9', store: app.store() })
        client.connect().catch(() => {})
        return new Promise((resolve) => void client.on('outboxRestored', ({ waiting }) => resolve(waiting)))
      })
      expect(restored, 'accepted publishes are restored').toBe(10)
    })
  })

  test('with the API of MQTT.js receives and publishes, also after the broker was away', async () => {
    await using server = await createScriptedServer({ transport: 'ws' })
    const page = await application.open()
    await page.evaluate((url) => {
      const client = app.mqttjs.connect(url, { protocolVersion: 5, reconnectPeriod: 20 })
      const events: unknown[] = []
      client.stream.on('close', () => events.push('stream closed'))
      client.on('connect', () => events.push('connect'))
      client.on('close', () => events.push('close'))
      client.on('error', (error) => events.push(error.message))
      client.on('message', (topic, payload) => {
        events.push([topic, payload.toString(), payload.toString('hex'), payload instanceof Uint8Array])
      })
      Object.assign(globalThis, { client, events })
      return client.subscribeAsync('a/#', { qos: 1, properties: { userProperties: { from: 'browser' } } })
    }, server.url)
    const events = () => page.evaluate(() => (globalThis as unknown as { events: unknown[] }).events)
    server.publish('a/b', 'é', { qos: 1 })
    await server.waitFor('puback')
    expect(await events()).toEqual(['connect', ['a/b', 'é', 'c3a9', true]])

    await server.close()
    await expect.poll(events).toContain('close')
    const published = page.evaluate(() => {
      const { client } = globalThis as unknown as { client: ReturnType<typeof app.mqttjs.connect> }
      return client.publishAsync('out', 'offline', { qos: 1 }).then((packet) => packet?.cmd)
    })
    await server.listen()
    expect(await published).toBe('publish')
    await server.waitFor(() => server.connections.at(-1)?.received('subscribe')[0])
    expect(server.received('subscribe').at(-1)).toMatchObject({
      subscriptions: [{ topic: 'a/#', qos: 1 }],
      properties: { userProperties: { from: 'browser' } },
    })
    server.publish('a', 'again')
    await expect.poll(events).toContainEqual(['a', 'again', '616761696e', true])
    // The first connection had the listeners of the stream. A failed WebSocket has no error in MQTT.js either.
    expect((await events()).filter((event) => event === 'stream closed')).toHaveLength(1)
    expect(page.workers()).toEqual([])
  })
})
