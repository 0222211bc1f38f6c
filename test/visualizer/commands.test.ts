import { describe, expect, onTestFinished, test } from 'vitest'
import { createActor } from 'xstate'

import { connectionMachine } from '../../machines/index.ts'
import { createFakeTransport, type FakeConnection } from '../../testing/index.ts'
import { connectVisualizer, type VisualizerConnection } from '../../visualizer/index.ts'
import { startLamp } from '../support/lamp.ts'
import { openViewer, startVisualizer, type AnyMessage, type Peer } from './viewer.ts'

function startConnection(
  inspect: VisualizerConnection['inspect'],
  script: (connection: FakeConnection) => void = () => {},
) {
  const { logic: transport } = createFakeTransport((connection) => script(connection))
  const actor = createActor(connectionMachine.provide({ actors: { transport } }), { inspect }).start()
  onTestFinished(() => {
    actor.stop()
  })
  return actor
}

let requests = 0

async function ask(viewer: Peer, sessionId: string, command: unknown): Promise<AnyMessage> {
  const requestId = String(++requests)
  viewer.send({ type: '@xstate-mqtt.command', createdAt: '1', requestId, sessionId, command })
  return viewer.until(
    ({ type, requestId: answered }) => type === '@xstate-mqtt.command-result' && answered === requestId,
  )
}

describe('commands', () => {
  test('are refused unless allowed, which the page knows from the start', async () => {
    const visualizer = await startVisualizer()
    const actor = startConnection(visualizer.inspect)
    const viewer = await openViewer(visualizer)
    expect(viewer.of('@xstate-mqtt.welcome')[0]).toMatchObject({ allowCommands: false })
    expect(viewer.of('@xstate.actor')[0]).not.toHaveProperty('commands')
    expect(await ask(viewer, `local/${actor.sessionId}`, 'connect')).toMatchObject({
      ok: false,
      reason: 'not-allowed',
      message: expect.stringContaining('allowCommands'),
    })
    expect(actor.getSnapshot().value).toBe('idle')
  })

  test('are sent to the machine as events; snapshots contain the accepted ones', async () => {
    const visualizer = await startVisualizer({ allowCommands: true })
    const actor = startConnection(visualizer.inspect)
    const viewer = await openViewer(visualizer)
    expect(viewer.of('@xstate-mqtt.welcome')[0]).toMatchObject({ allowCommands: true })
    expect(viewer.of('@xstate.actor')[0]).toMatchObject({
      commands: ['connect', 'disconnect', 'retry', 'wake', 'recover', 'drop'],
      accepts: ['connect'],
    })
    const sessionId = `local/${actor.sessionId}`
    expect(await ask(viewer, sessionId, 'connect')).toMatchObject({ ok: true, message: 'Sent CONNECT to connection.' })
    const event = await viewer.until(({ type, event: sent }) => type === '@xstate.event' && sent.type === 'CONNECT')
    expect(event.event).toEqual({ type: 'CONNECT' })
    await viewer.until(({ type, accepts }) => type === '@xstate.snapshot' && accepts?.includes('disconnect'))
    expect(await ask(viewer, sessionId, 'disconnect')).toMatchObject({ ok: true })
  })

  test('drop cuts only an open connection, and the machine continues', async () => {
    const visualizer = await startVisualizer({ allowCommands: true })
    const actor = startConnection(visualizer.inspect, (connection) => connection.open())
    const viewer = await openViewer(visualizer)
    const sessionId = `local/${actor.sessionId}`
    expect(await ask(viewer, sessionId, 'drop')).toMatchObject({ ok: false, reason: 'ignored' })
    await ask(viewer, sessionId, 'connect')
    await viewer.until(({ type, accepts }) => type === '@xstate.snapshot' && accepts?.includes('drop'))
    expect(await ask(viewer, sessionId, 'drop')).toMatchObject({ ok: true, message: 'Sent DROP to connection.' })
    expect(actor.getSnapshot()).toMatchObject({ value: 'reconnecting', context: { failure: { code: 'ECONNABORTED' } } })
  })

  test.each<[string, string, unknown, string]>([
    ['the machine ignores it', 'connection', 'retry', 'ignored'],
    ['the command does not exist', 'connection', 'SHUTDOWN', 'unknown-command'],
    ['the command is not a string', 'connection', { type: 'CONNECT' }, 'unknown-command'],
    ['the command is a property of every object', 'connection', 'constructor', 'unknown-command'],
    ['the actor does not exist', 'nobody', 'connect', 'unknown-actor'],
    ['the actor is not a connection', 'lamp', 'connect', 'not-allowed'],
    ['the actor has stopped', 'stopped', 'connect', 'unknown-actor'],
  ])('are answered when %s', async (_why, target, command, reason) => {
    const visualizer = await startVisualizer({ allowCommands: true })
    const connection = startConnection(visualizer.inspect)
    const stopped = startConnection(visualizer.inspect)
    stopped.stop()
    const lamp = startLamp(visualizer.inspect)
    const ids: Record<string, string> = {
      connection: connection.sessionId,
      lamp: lamp.sessionId,
      stopped: stopped.sessionId,
      nobody: 'x:nobody',
    }
    const viewer = await openViewer(visualizer)
    const result = await ask(viewer, `local/${ids[target]}`, command)
    expect(result).toMatchObject({ ok: false, reason, message: expect.stringMatching(/\w+.*\.$/) })
    expect(connection.getSnapshot().value).toBe('idle')
  })

  test.each([
    [true, true, undefined],
    [true, false, 'not-allowed'],
    [false, true, 'not-allowed'],
  ])('reach another process if both allow them: server %s, app %s', async (server, app, reason) => {
    const visualizer = await startVisualizer({ allowCommands: server })
    const feed = connectVisualizer(visualizer.url, { allowCommands: app })
    onTestFinished(() => feed.close())
    const actor = startConnection(feed.inspect)
    const viewer = await openViewer(visualizer)
    await viewer.until(({ type, name }) => type === '@xstate.actor' && name === 'connection')
    const result = await ask(viewer, `f1/${actor.sessionId}`, 'connect')
    expect(result.reason).toBe(reason)
    expect(actor.getSnapshot().value).toBe(reason ? 'idle' : 'connecting')
  })

  test('are refused for a process that is gone', async () => {
    const visualizer = await startVisualizer({ allowCommands: true })
    const feed = connectVisualizer(visualizer.url, { allowCommands: true })
    const actor = startConnection(feed.inspect)
    const viewer = await openViewer(visualizer)
    await viewer.until(({ type, name }) => type === '@xstate.actor' && name === 'connection')
    feed.close()
    await viewer.until(
      ({ type, feedId, status }) => type === '@xstate-mqtt.feed' && feedId === 'f1' && status === 'offline',
    )
    expect(await ask(viewer, `f1/${actor.sessionId}`, 'connect')).toMatchObject({ ok: false, reason: 'offline' })
  })
})
