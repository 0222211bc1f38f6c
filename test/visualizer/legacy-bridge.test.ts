import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { expect, onTestFinished, test } from 'vitest'
import { createActor } from 'xstate'

import { createBridge } from '../../examples/xstate-inspect/bridge.ts'
import { LABEL } from '../../examples/xstate-inspect/translate.ts'
import { watchServices, type ParsedEvent } from '../../examples/xstate-inspect/watch.ts'
import { connectionMachine } from '../../machines/index.ts'
import { compile } from '../../measure/lab/build.ts'
import { createFakeTransport } from '../../testing/index.ts'
import { startLamp } from '../support/lamp.ts'
import { arrival, startVisualizer } from './viewer.ts'

async function startBridge() {
  const visualizer = await startVisualizer()
  const bridge = await createBridge(visualizer.url, 0)
  onTestFinished(() => bridge.close())
  const watch = () => {
    const { arrived, until } = arrival<ParsedEvent>()
    watchServices(bridge.server, arrived)
    return until
  }
  return { visualizer, watch }
}

test('the parser of @xstate/inspect accepts the connection machine, its states and its events', async () => {
  const { visualizer, watch } = await startBridge()
  const until = watch()
  const { logic: transport } = createFakeTransport()
  const machine = connectionMachine.provide({ actors: { transport } })
  const actor = createActor(machine, { inspect: visualizer.inspect }).start()
  onTestFinished(() => {
    actor.stop()
  })
  const registered = await until(({ type }) => type === 'service.register')
  expect(registered).toMatchObject({ id: 'connection (XState 5, translated)', sessionId: `local/${actor.sessionId}` })
  // XState 4 made a machine of it: it knows its states and where they lead.
  const { machine: legacy } = registered as unknown as { machine: any }
  expect(legacy.description ?? legacy.config.description).toBe(LABEL)
  expect(Object.keys(legacy.states)).toEqual(Object.keys(connectionMachine.states))
  expect(legacy.getStateNodeById('failed').key).toBe('failed')
  const [first] = legacy.states.idle.on.CONNECT
  expect(first.cond).toMatchObject({ name: 'needsCredentials' })
  expect(first.target[0].id).toBe('refreshingToken')

  actor.send({ type: 'CONNECT' })
  await until((event) => event.type === 'service.event' && event.event.name === 'CONNECT')
  const connecting = await until((event) => event.type === 'service.state' && event.state.value === 'connecting')
  expect(connecting).toMatchObject({ state: { context: { attempt: 0 } } })
  // As a viewer does to draw the machine.
  const { state } = connecting as unknown as { state: any }
  expect(legacy.resolveState(state).nextEvents).toEqual(expect.arrayContaining(['transport.opened', 'DISCONNECT']))
})

test('a late viewer gets every running service in its current state', async () => {
  const { visualizer, watch } = await startBridge()
  const first = watch()
  const stopped = startLamp(visualizer.inspect)
  const lamp = startLamp(visualizer.inspect)
  lamp.send({ type: 'PRESS' })
  const isOf =
    ({ sessionId }: { sessionId: string }) =>
    (event: ParsedEvent) =>
      event.sessionId === `local/${sessionId}`
  // The first viewer may be late itself: then it hears of a service only while that runs.
  await first((event) => event.type === 'service.register' && isOf(stopped)(event))
  stopped.stop()
  await first((event) => event.type === 'service.stop' && isOf(stopped)(event))

  const events: ParsedEvent[] = []
  const second = watch()
  const registered = await second((event) => {
    events.push(event)
    return event.type === 'service.register' && isOf(lamp)(event)
  })
  expect(registered).toMatchObject({ state: { value: { on: 'bright' }, context: { presses: 1 } } })
  expect(events.some(isOf(stopped))).toBe(false)
  lamp.stop()
  await second((event) => event.type === 'service.stop' && isOf(lamp)(event))
})

async function runBridge(...args: string[]) {
  const program = await compile(new URL('../../examples/xstate-inspect/main.ts', import.meta.url))
  const bridge = spawn(process.execPath, [program, ...args])
  onTestFinished(() => void bridge.kill())
  return { bridge, exit: once(bridge, 'exit'), errors: text(bridge.stderr) }
}

test('prints a message and ends when the visualizer closes', async () => {
  const visualizer = await startVisualizer()
  const { bridge, exit, errors } = await runBridge(visualizer.url, '0')
  await once(bridge.stdout, 'data')
  await visualizer.close()
  expect(await exit).toEqual([1, null])
  expect(await errors).toBe('The visualizer closed the connection. Start this again when it is running.\n')
})

test.each([
  ['http://127.0.0.1:1/?token=planted', /^Nothing to forward: connect ECONNREFUSED 127\.0\.0\.1:1\. Pass .*\n$/],
  ['planted', /^Nothing to forward: Invalid URL\. Pass .*\n$/],
])('prints one line for the wrong address %s', async (address, line) => {
  const { exit, errors } = await runBridge(address, '0')
  expect(await exit).toEqual([1, null])
  expect(await errors).toMatch(line)
})
