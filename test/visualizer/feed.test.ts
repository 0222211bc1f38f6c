import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect as dial, createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocketServer } from 'ws'

import { compile } from '../../measure/lab/build.ts'
import { freePort } from '../../measure/lab/ports.ts'
import { connectVisualizer, createVisualizer, type VisualizerConnection } from '../../visualizer/index.ts'
import { startLamp } from '../support/lamp.ts'
import { openViewer, startVisualizer, type AnyMessage } from './viewer.ts'

function connect(url: string, options: Parameters<typeof connectVisualizer>[1] = {}): VisualizerConnection {
  const feed = connectVisualizer(url, { name: 'app', ...options })
  onTestFinished(() => feed.close())
  return feed
}

const isValue = (value: string) => (message: AnyMessage) =>
  JSON.stringify(message.snapshot?.value) === JSON.stringify(value) && message.type === '@xstate.snapshot'

describe('an app in another process', () => {
  test('is shown beside others, each with its own ids', async () => {
    const visualizer = await startVisualizer()
    const viewer = await openViewer(visualizer)
    const one = startLamp(connect(visualizer.url, { name: 'one' }).inspect)
    const two = startLamp(connect(visualizer.url, { name: 'two' }).inspect)
    startLamp(visualizer.inspect)
    one.send({ type: 'PRESS' })
    two.send({ type: 'PRESS' })
    await viewer.until(({ sessionId, type }) => type === '@xstate-mqtt.transition' && sessionId.startsWith('f1/'))
    await viewer.until(({ sessionId, type }) => type === '@xstate-mqtt.transition' && sessionId.startsWith('f2/'))
    await viewer.until(({ sessionId, type }) => type === '@xstate.actor' && sessionId.startsWith('local/'))
    const names = viewer.of('@xstate-mqtt.feed').map(({ feedId, name, status }) => `${feedId} ${name} ${status}`)
    expect(names).toEqual(expect.arrayContaining(['local this process online']))
    expect(names.filter((name) => /f[12] (?:one|two) online/.test(name)).length).toBeGreaterThanOrEqual(2)
  })

  test('is replayed to later viewers: actors, then history, then live', async () => {
    const visualizer = await startVisualizer()
    const first = await openViewer(visualizer)
    const lamp = startLamp(connect(visualizer.url).inspect)
    lamp.send({ type: 'PRESS' })
    lamp.send({ type: 'PRESS' })
    await first.until(({ type, eventType }) => type === '@xstate-mqtt.transition' && eventType === 'PRESS')
    const late = await openViewer(visualizer)
    const types = late.messages.map(({ type }) => type)
    expect(types[0]).toBe('@xstate-mqtt.welcome')
    expect(types.at(-1)).toBe('@xstate-mqtt.live')
    expect(late.of('@xstate.actor')[0]).toMatchObject({ name: 'lamp', snapshot: { value: 'off' }, feedId: 'f1' })
    expect(late.of('@xstate-mqtt.transition')).toHaveLength(2)
    const ids = late.messages
      .filter(({ type, id }) => id !== undefined && type !== '@xstate.actor')
      .map(({ id }) => Number(id))
    expect(ids).toEqual(ids.toSorted((a, b) => a - b))
    for (const { createdAt } of late.messages) expect(createdAt).toMatch(/^\d{13}$/)
  })

  test('reconnects under its old id after its socket was lost', async () => {
    const visualizer = await startVisualizer()
    const viewer = await openViewer(visualizer)
    const feed = connect(visualizer.url)
    const lamp = startLamp(feed.inspect)
    await viewer.until(isValue('off'))
    const { port, search } = new URL(visualizer.url)
    await visualizer.close()
    lamp.send({ type: 'PRESS' })

    const again = await createVisualizer({ port: Number(port), token: new URLSearchParams(search).get('token')! })
    onTestFinished(() => again.close())
    const other = await openViewer(again)
    const lit = await other.until(({ type, snapshot }) => type === '@xstate.actor' && snapshot.value?.on === 'bright')
    expect(lit).toMatchObject({ name: 'lamp', sessionId: expect.stringMatching(/^f1\//) })
    // Events during the loss were kept too.
    await other.until(({ type, eventType }) => type === '@xstate-mqtt.transition' && eventType === 'PRESS')
    lamp.send({ type: 'PRESS' })
    await other.until(
      ({ type, transitions }) => type === '@xstate-mqtt.transition' && transitions[0].targets[0] === 'lamp.off',
    )
    expect(feed.dropped).toBe(0)
  })

  test('is reported as offline, with the time', async () => {
    const visualizer = await startVisualizer()
    const viewer = await openViewer(visualizer)
    const before = Date.now()
    const feed = connect(visualizer.url)
    const isFeed = (wanted: string) => (message: AnyMessage) => message.feedId === 'f1' && message.status === wanted
    expect(await viewer.until(isFeed('online'))).not.toHaveProperty('offlineSince')
    feed.close()
    const { offlineSince } = await viewer.until(isFeed('offline'))
    expect(offlineSince).toBeGreaterThanOrEqual(before)
    expect(offlineSince).toBeLessThanOrEqual(Date.now())
    expect(await (await openViewer(visualizer)).until(isFeed('offline'))).toMatchObject({ offlineSince })
  })

  test('an actor that stops while the socket is lost is shown as stopped', async () => {
    const visualizer = await startVisualizer()
    const viewer = await openViewer(visualizer)
    const { connections, proxied } = await proxy(visualizer.url)
    const feed = connect(proxied, { buffer: 1 })
    const lamp = startLamp(feed.inspect)
    await viewer.until(isValue('off'))
    for (const connection of connections) connection.destroy()
    await viewer.until(
      ({ type, feedId, status }) => type === '@xstate-mqtt.feed' && feedId === 'f1' && status === 'offline',
    )
    lamp.stop()
    // The buffer of one message drops the report about it.
    startLamp(feed.inspect)
    const { sessionId } = viewer.of('@xstate.actor')[0]!
    const stopped = await viewer.until(
      ({ type, snapshot }) => type === '@xstate.snapshot' && snapshot.status === 'stopped',
    )
    expect(stopped.sessionId).toBe(sessionId)
  })

  test('waits with bounded memory for a missing visualizer, and reports dropped messages', async () => {
    const port = await freePort()
    const token = 'a token for this test'
    const feed = connect(`http://127.0.0.1:${port}/?token=${encodeURIComponent(token)}`, { buffer: 100 })
    const lamp = startLamp(feed.inspect)
    for (let index = 0; index < 10_000; index += 1) lamp.send({ type: 'PRESS' })
    expect(feed.dropped).toBeGreaterThan(29_000)
    const visualizer = await createVisualizer({ port, token })
    onTestFinished(() => visualizer.close())
    const viewer = await openViewer(visualizer)
    await viewer.until(({ type, dropped }) => type === '@xstate-mqtt.feed' && dropped > 29_000)
    expect(viewer.of('@xstate.snapshot').length).toBeLessThan(101)
    await viewer.until(
      ({ type, name, snapshot }) => type === '@xstate.actor' && name === 'lamp' && snapshot.value === 'off',
    )
  })

  test('drops messages if the visualizer does not read', async () => {
    const deaf = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => {
      for (const client of deaf.clients) client.terminate()
      deaf.close()
    })
    const accepted = new Promise<void>((resolve) => {
      deaf.once('connection', (socket) => {
        socket.send(JSON.stringify({ type: '@xstate-mqtt.welcome', createdAt: '1' }))
        socket.pause()
        resolve()
      })
    })
    await once(deaf, 'listening')
    const { port } = deaf.address() as { port: number }
    const feed = connect(`ws://127.0.0.1:${port}/`, { buffer: 200 })
    await accepted
    const lamp = startLamp(feed.inspect)
    const note = Array.from({ length: 50 }, () => 'x'.repeat(290))
    while (feed.dropped === 0) {
      for (let index = 0; index < 50; index += 1) lamp.send({ type: 'NOTE', note })
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(feed.dropped).toBeGreaterThan(0)
  })

  test.each(['that runs', 'that refuses', 'that does not answer'])(
    'does not keep its process alive with a visualizer %s',
    async (which) => {
      const visualizer = await startVisualizer()
      const silent = createServer(() => {})
      silent.listen(0, '127.0.0.1')
      await once(silent, 'listening')
      const { port } = silent.address() as { port: number }
      const urls: Record<string, string> = {
        'that runs': visualizer.url,
        'that refuses': 'http://127.0.0.1:1/',
        'that does not answer': `http://127.0.0.1:${port}/`,
      }
      const program = await compile(new URL('short-lived.ts', import.meta.url))
      const app = spawn(process.execPath, [program, urls[which]!], { stdio: 'ignore' })
      onTestFinished(() => {
        app.kill()
        silent.close()
      })
      expect(await once(app, 'exit')).toEqual([0, null])
    },
  )

  test.each(['not a url', 'ftp://host/', ''])('rejects the address %j', (url) => {
    expect(() => connectVisualizer(url)).toThrow('url must be a string with an http:, https:, ws: or wss: URL')
  })

  test('hides the token of a wrong address', () => {
    expect(() => connectVisualizer('foo://host/?token=planted-secret')).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('planted-secret') }),
    )
  })

  test('sends figures that are not part of a machine with their actor', async () => {
    const visualizer = await startVisualizer()
    const viewer = await openViewer(visualizer)
    const feed = connect(visualizer.url)
    const lamp = startLamp(feed.inspect)
    feed.watch(lamp, () => ({ outbox: 3, published: 10 }))
    const stats = await viewer.until(({ type }) => type === '@xstate-mqtt.stats')
    expect(stats).toMatchObject({ sessionId: `f1/${lamp.sessionId}`, stats: { outbox: 3, published: 10 } })
  })
})

/** A proxy that can cut the connection while the visualizer continues. */
async function proxy(url: string) {
  const { port, search } = new URL(url)
  const connections: { destroy(): unknown }[] = []
  const server = createServer((socket) => {
    const target = dial(Number(port), '127.0.0.1')
    connections.push(socket, target)
    for (const end of [socket, target]) end.on('error', () => {})
    socket.once('data', (chunk: Buffer) => {
      // The Host header must be the visualizer's own.
      target.write(chunk.toString('latin1').replace(/^Host: .*$/m, `Host: 127.0.0.1:${port}`), 'latin1')
      socket.pipe(target).pipe(socket)
    })
    socket.on('close', () => target.destroy())
    target.on('close', () => socket.destroy())
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  onTestFinished(() => {
    for (const connection of connections) connection.destroy()
    server.close()
  })
  const address = server.address() as { port: number }
  return { connections, proxied: `http://127.0.0.1:${address.port}/${search}` }
}
