import { afterEach, expect, test, vi } from 'vitest'
import { createActor } from 'xstate'

import { connectionMachine, periodicRequestMachine } from '../../machines/index.ts'
import { createFakeTransport, createTestClock } from '../../testing/index.ts'
import { ratesOf } from '../../visualizer/page/src/model/rates.ts'
import { Store } from '../../visualizer/page/src/model/store.ts'
import type { Actor } from '../../visualizer/page/src/model/types.ts'
import { outagesOf } from '../../visualizer/page/src/model/uptime.ts'
import type { ServerMessage } from '../../visualizer/protocol.ts'
import { History } from '../../visualizer/record/history.ts'
import { Recorder } from '../../visualizer/record/recorder.ts'
import { lamp } from '../support/lamp.ts'

const SECOND = 1_000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE
const EVENING = Date.UTC(2024, 0, 1, 19)
/** The time between two samples of the connection. */
const STEP = SECOND
/** The same for a page that is open all night and keeps all its data. */
const PAGE_STEP = 5 * SECOND
/** Messages a second, in and out. */
const RATE = 7

/** The outages of the broker, since the evening. */
const outages = [
  { at: 1 * HOUR, lasts: 4 * MINUTE },
  { at: 3 * HOUR, lasts: 0 },
  { at: 3 * HOUR + 2 * MINUTE, lasts: 0 },
  { at: 5 * HOUR, lasts: 2 * HOUR },
  { at: 11 * HOUR + 40 * MINUTE, lasts: 30 * SECOND },
]

// It simulates twelve hours, which takes seconds on an idle machine.
vi.setConfig({ testTimeout: 240_000 })

afterEach(() => void vi.useRealTimers())

/**
 * A connection with figures and a periodic request in each step, beside an actor with an event in each step, and a
 * thousand a second in the last ones.
 *
 * @param step - in milliseconds
 */
function spendNight(step: number, onEntry: (text: () => string) => void = () => {}) {
  vi.useFakeTimers({ toFake: ['Date'] })
  const clock = createTestClock({ now: EVENING })
  const history = new History(2_000, (entry) => onEntry(() => entry.text))
  const recorder = new Recorder({ allowCommands: false, onRecorded: (recorded) => history.add('local', recorded) })
  const isDown = () => {
    const time = clock.now() - EVENING
    return outages.some(({ at, lasts }) => time >= at && time < at + lasts)
  }
  const transport = createFakeTransport((connection) => (isDown() ? connection.fail() : connection.open()))
  const machine = connectionMachine.provide({
    actors: { transport: transport.logic, periodicRequest: periodicRequestMachine },
  })
  const input = { now: clock.now, random: () => 1, recovery: { maxAttempts: Number.POSITIVE_INFINITY } }
  vi.setSystemTime(EVENING)
  const actor = createActor(machine, { clock, inspect: recorder.inspect, input }).start()
  const chatty = createActor(lamp, { inspect: recorder.inspect }).start()
  actor.send({ type: 'CONNECT' })
  actor.send({
    type: 'PERIODIC.START',
    schedule: { id: 'poll', interval: step, jitter: 0, responseTimeout: null },
  })
  const total = 12 * HOUR
  let received = 0
  for (let time = 0; time < total; time += step) {
    vi.setSystemTime(EVENING + time)
    if (outages.some(({ at }) => at === time)) transport.current.fail()
    clock.tick(step)
    if (actor.getSnapshot().hasTag('online')) received += (RATE * step) / SECOND
    recorder.stats(actor, { received })
    const events = time >= total - 10 * SECOND ? step : 1
    for (let event = 0; event < events; event++) chatty.send({ type: 'PRESS' })
  }
  actor.stop()
  chatty.stop()
  return { history, transport }
}

/** The data of a page. */
function pageOf(texts: readonly string[]) {
  const store = new Store()
  for (const text of texts) store.apply(JSON.parse(text) as ServerMessage)
  const connection = [...store.actors.values()].find(({ name }) => name === 'connection')
  if (!connection) throw new Error('no connection')
  return { store, connection }
}

function expectNight(connection: Actor) {
  const told = outagesOf(connection).map(({ start, end }) => ({ at: start - EVENING, lasts: (end ?? 0) - start }))
  expect(told.map(({ at }) => Math.round(at / MINUTE))).toEqual(outages.map(({ at }) => at / MINUTE))
  for (const [index, { lasts }] of told.entries()) {
    // An outage ends with the next attempt.
    expect(lasts).toBeGreaterThanOrEqual(outages[index]?.lasts ?? 0)
    expect(lasts).toBeLessThan((outages[index]?.lasts ?? 0) + 6 * MINUTE)
  }
}

test('a page that opens in the morning shows the events of the night, despite chatty actors', () => {
  const { history, transport } = spendNight(STEP)
  const { actors, entries } = history.replay()
  expect(history.forgotten, 'it was a chatty night').toBeGreaterThan(300_000)
  const { store, connection } = pageOf([...actors, ...entries.map(({ text }) => text)])
  expectNight(connection)
  expect(connection.bands.filter(({ attempt }) => attempt)).toHaveLength(transport.connections.length)
  expect(connection.entries[0]?.event.type, 'from the beginning').toBe('xstate.init')
  for (const { seq, entry } of outagesOf(connection).map((outage) => ({
    ...outage,
    entry: connection.entries.find((candidate) => candidate.seq === outage.seq),
  }))) {
    expect(entry, `outage ${seq} can be travelled to`).toBeDefined()
  }
  const names = new Set(store.entries.map(({ actor }) => actor.name))
  for (const name of ['poll', 'lamp', 'transport', 'subscriptions']) expect(names, 'not forgotten').toContain(name)

  // Its rates: coarse for the night, but right.
  const rates = ratesOf(connection.samples, EVENING, EVENING + 12 * HOUR)
  const at = (time: number) => rates.find(({ start, end }) => start <= EVENING + time && end > EVENING + time)?.rate
  expect(at(30 * MINUTE)).toBeCloseTo(RATE)
  expect(at(6 * HOUR), 'in the middle of the longest outage').toBe(0)
  expect(at(12 * HOUR - 3 * STEP)).toBeCloseTo(RATE)
  const all = rates.reduce((sum, { start, end, rate }) => sum + (rate * (end - start)) / 1_000, 0)
  expect(Math.round(all)).toBe((connection.samples.at(-1)?.total ?? 0) - (connection.samples[0]?.total ?? 0))
  expect(connection.samples.length).toBeLessThanOrEqual(600)
})

test('a page that was open all night shows them too', () => {
  const store = new Store()
  const read: (() => string)[] = []
  spendNight(PAGE_STEP, (text) => read.push(text))
  store.apply({ type: '@xstate-mqtt.live', createdAt: String(EVENING), replayed: 0, forgotten: 0 })
  for (const text of read) store.apply(JSON.parse(text()) as ServerMessage)
  const connection = [...store.actors.values()].find(({ name }) => name === 'connection')
  if (!connection) throw new Error('no connection')
  expectNight(connection)
  expect(store.entries.length).toBeLessThanOrEqual(12_000)
  expect(connection.entries[0]?.event.type).toBe('xstate.init')
  const rates = ratesOf(connection.samples, EVENING, EVENING + 12 * HOUR)
  expect(rates[0]?.start).toBeLessThan(EVENING + MINUTE)
})
