import { expect, onTestFinished, test } from 'vitest'
import type { AnyActorRef, InspectionEvent } from 'xstate'

import { fleetOutage } from '../../measure/lab/fleet-outage.ts'
import { connectVisualizer } from '../../visualizer/index.ts'
import { Store } from '../../visualizer/page/src/model/store.ts'
import type { ServerMessage } from '../../visualizer/protocol.ts'
import { sessionIdOf } from '../../visualizer/record/session-id.ts'
import { repetitions } from '../support/repetitions.ts'
import { openViewer, startVisualizer } from './viewer.ts'

const MANY = repetitions(15, 500)
const FEWER = repetitions(15, 150)

/** Counts what the machines did themselves: their changes of state, by their session ids. */
function counting(inspect: (event: InspectionEvent) => void) {
  const changes = new Map<string, string[]>()
  return {
    changes,
    inspect(event: InspectionEvent) {
      inspect(event)
      if (event.type !== '@xstate.snapshot' || !(event.actorRef as AnyActorRef).id.startsWith('sensor')) return
      const id = sessionIdOf(event.actorRef)
      const states = changes.get(id) ?? []
      const state = JSON.stringify((event.snapshot as { value?: unknown }).value)
      if (states.at(-1) !== state) states.push(state)
      changes.set(id, states)
    },
  }
}

test.each([
  [MANY, 'another process, whose visualizer reads while it lasts'],
  [FEWER, 'another process, whose visualizer comes later'],
  [FEWER, 'this process'],
])('no change of state is lost in an outage of 5 minutes of %i connections in %s', async (count, where) => {
  const visualizer = await startVisualizer({ token: 'a token for this test' })
  const isLate = where.endsWith('later')
  const early = isLate ? undefined : await openViewer(visualizer)
  const feed = where === 'this process' ? undefined : connectVisualizer(visualizer.url)
  onTestFinished(() => feed?.close())
  const { inspect, changes } = counting(feed?.inspect ?? visualizer.inspect)
  if (feed && !isLate) await expect.poll(() => feed.status.state).toBe('connected')
  const actors = await fleetOutage({
    inspect,
    count,
    // A second takes no time: the sockets get a turn now and then.
    onSecond: () => (isLate ? undefined : new Promise((resolve) => setImmediate(resolve))),
  })
  onTestFinished(() => {
    for (const actor of actors) actor.stop()
  })
  const total = [...changes.values()].reduce((sum, { length }) => sum + length, 0)
  expect(total).toBeGreaterThan(count * 12)
  const viewer = early ?? (await openViewer(visualizer))
  const seen = () => shownChanges(viewer.messages as unknown as readonly ServerMessage[])
  await expect
    .poll(() => [...seen().values()].reduce((sum, { length }) => sum + length, 0), { timeout: 20_000, interval: 200 })
    .toBe(total)
  for (const [id, states] of changes) expect(seen().get(`${feed ? 'f1' : 'local'}/${id}`)).toEqual(states)
  expect(feed?.droppedTransitions ?? 0).toBe(0)
  for (const { droppedTransitions } of viewer.of('@xstate-mqtt.feed')) expect(droppedTransitions).toBe(0)
  expect(viewer.of('@xstate-mqtt.dropped').filter(({ droppedTransitions }) => droppedTransitions > 0)).toEqual([])

  // A page that opens now has the same past, although its messages are not kept.
  const late = await openViewer(visualizer)
  const store = new Store()
  for (const message of late.messages) store.apply(message as unknown as ServerMessage)
  for (const [id, states] of changes) {
    const bands = store.actors.get(`${feed ? 'f1' : 'local'}/${id}`)?.bands ?? []
    expect(bands.length).toBe(states.length)
  }
})

/** The states of each connection, in the order in which the viewer learned of them. */
function shownChanges(messages: readonly ServerMessage[]): Map<string, string[]> {
  const changes = new Map<string, string[]>()
  for (const message of messages) {
    if (message.type !== '@xstate.snapshot' || message.sessionId !== message.rootId) continue
    const states = changes.get(message.sessionId) ?? []
    const state = JSON.stringify(message.snapshot.value)
    if (states.at(-1) !== state) states.push(state)
    changes.set(message.sessionId, states)
  }
  return changes
}
