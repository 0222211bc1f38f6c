import { createWebSocketInspector, createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect'
import { createInspectorServer } from '@statelyai/inspect/server'
import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { WebSocketServer } from 'ws'
import { createActor } from 'xstate'

import { freePort } from '../../measure/lab/ports.ts'
import { connectVisualizer } from '../../visualizer/index.ts'
import { lamp, startLamp } from '../support/lamp.ts'
import { arrival, openViewer, Peer, socketUrl, startVisualizer } from './viewer.ts'

describe('an app with @statelyai/inspect', () => {
  test.each(['/', '/feed'])('shows itself in our page: createWebSocketInspector at %s', async (path) => {
    const visualizer = await startVisualizer()
    const viewer = await openViewer(visualizer)
    const inspector = createWebSocketInspector({ url: socketUrl(visualizer, path) })
    onTestFinished(() => inspector.stop())
    const actor = createActor(lamp, { inspect: inspector.inspect }).start()
    actor.send({ type: 'PRESS' })
    const lit = await viewer.until(
      ({ type, snapshot }) => type === '@xstate.snapshot' && snapshot.value?.on === 'bright',
    )
    expect(lit).toMatchObject({
      sessionId: `f1/${actor.sessionId}`,
      snapshot: { context: { presses: 1 } },
      event: { type: 'PRESS' },
    })
    const born = await viewer.until(({ type }) => type === '@xstate.actor')
    expect(born).toMatchObject({ name: 'lamp', rootId: `f1/${actor.sessionId}` })
    expect(JSON.parse(born.definition).states.on.after).toEqual({ untilDark: 'off' })
    expect(viewer.of('@xstate-mqtt.feed').at(-1)).toMatchObject({ feedId: 'f1', name: 'app 1', status: 'online' })
  })

  test('is redacted by the server, whatever it sends', async () => {
    const visualizer = await startVisualizer()
    const viewer = await openViewer(visualizer)
    const inspector = createWebSocketInspector({ url: socketUrl(visualizer, '/feed') })
    onTestFinished(() => inspector.stop())
    const actor = createActor(lamp, { inspect: inspector.inspect }).start()
    actor.send({ type: 'NOTE', note: { password: 'planted-secret', url: 'wss://h/?sig=planted-secret' } })
    await viewer.until(({ type, snapshot }) => type === '@xstate.snapshot' && snapshot.context.note)
    expect(viewer.frames.join('')).not.toContain('planted-secret')
  })
})

describe('the feed', () => {
  test('is understood by createWebSocketReceiver, replay included', async () => {
    const visualizer = await startVisualizer()
    const actor = startLamp(visualizer.inspect)
    actor.send({ type: 'PRESS' })
    const { arrived, until } = arrival<StatelyInspectionEvent>()
    createWebSocketReceiver({ server: socketUrl(visualizer, '/stately') }).subscribe(arrived)
    const born = await until(({ type }) => type === '@xstate.actor')
    expect(born).toMatchObject({ name: 'lamp', snapshot: { value: { on: 'bright' } } })
    await until((event) => event.type === '@xstate.event' && event.event.type === 'PRESS')
    actor.send({ type: 'PRESS' })
    await until((event) => event.type === '@xstate.snapshot' && (event.snapshot as any).value === 'off')
  })

  test('contains only messages of the @statelyai/inspect protocol, one per frame', async () => {
    const visualizer = await startVisualizer()
    const viewer = new Peer(socketUrl(visualizer, '/stately'))
    await viewer.opened
    startLamp(visualizer.inspect).send({ type: 'PRESS' })
    await viewer.until(({ type, event }) => type === '@xstate.snapshot' && event.type === 'PRESS')
    expect(new Set(viewer.messages.map(({ type }) => type))).toEqual(
      new Set(['@xstate.actor', '@xstate.event', '@xstate.snapshot']),
    )
    expect(viewer.frames).toHaveLength(viewer.messages.length)
    for (const message of viewer.messages) {
      expect(message).toMatchObject({
        sessionId: expect.any(String),
        rootId: expect.any(String),
        createdAt: expect.stringMatching(/^\d+$/),
        id: expect.any(String),
        _version: expect.any(String),
      })
    }
    // The handshake asks for all of it again.
    const before = viewer.of('@xstate.actor').length
    viewer.send({ type: '@statelyai.connected' })
    await viewer.until(() => viewer.of('@xstate.actor').length >= before + 2)
  })

  test('works with Stately’s own server and its inspector', async () => {
    const port = await freePort()
    const server = createInspectorServer({ port, autoOpen: false })
    onTestFinished(() => server.stop())
    const feed = connectVisualizer(`ws://127.0.0.1:${port}`)
    onTestFinished(() => feed.close())
    const actor = startLamp(feed.inspect)
    const { arrived, until } = arrival<StatelyInspectionEvent>()
    createWebSocketReceiver({ server: `ws://127.0.0.1:${port}` }).subscribe(arrived)
    await until(({ type }) => type === '@xstate.actor')
    actor.send({ type: 'PRESS' })
    const lit = await until((event) => event.type === '@xstate.snapshot' && event.event.type === 'PRESS')
    expect(lit).toMatchObject({ sessionId: actor.sessionId, snapshot: { value: { on: 'bright' } } })
  })

  test('replays when Stately’s handshake asks for it', async () => {
    const inspector = new WebSocketServer({ port: 0, host: '127.0.0.1' })
    onTestFinished(() => inspector.close())
    const { arrived, until } = arrival<{ type: string; at: number }>()
    let received = 0
    inspector.on('connection', (socket) => {
      socket.send(JSON.stringify({ type: '@statelyai.connected' }))
      socket.on('message', (data) => {
        const { type } = JSON.parse((data as Buffer).toString())
        arrived({ type, at: (received += 1) })
      })
    })
    await once(inspector, 'listening')
    const { port } = inspector.address() as { port: number }
    const feed = connectVisualizer(`ws://127.0.0.1:${port}`)
    onTestFinished(() => feed.close())
    startLamp(feed.inspect)
    expect(await until(({ type }) => type === '@xstate.actor')).toMatchObject({ at: 1 })
  })
})
