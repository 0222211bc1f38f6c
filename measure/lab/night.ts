import {
  createActor,
  fromCallback,
  type Actor,
  type AnyActorRef,
  type AnyEventObject,
  type InspectionEvent,
} from 'xstate'

import type { Failure } from '../../machines/failure.ts'
import { connectionMachine, subscriptionsMachine } from '../../machines/index.ts'
import type { SubscriptionsEvent, SyncInput } from '../../machines/subscriptions.ts'
import { createFakeTransport, createTestClock, type FakeConnection } from '../../testing/index.ts'

const MINUTE = 60_000
const refused: Failure = { kind: 'socket', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 10.0.0.1:8883' }

/** The part of a visualizer that is needed here. */
interface Inspection {
  readonly inspect: (event: InspectionEvent) => void
  watch(actor: AnyActorRef, sample: () => Record<string, number>): () => void
}

/** The behaviour of the broker at a time of the night. */
type Weather = 'up' | 'down' | 'deaf'

/**
 * Simulates a night of a connection, with the real machine and a transport without sockets. The simulated night ends now,
 * in the state `recovering`, while a delay runs.
 */
export async function spendNight(inspection: Inspection): Promise<Actor<typeof connectionMachine>> {
  const end = Date.now()
  const clock = createTestClock({ now: end - 7 * 60 * MINUTE })
  const realNow = Date.now
  const { setInterval } = globalThis
  // The inspector records the time of day.
  Date.now = clock.now
  // For a night, one sample of the figures per minute is enough.
  globalThis.setInterval = ((callback: () => void) => clock.timers.setInterval(callback, MINUTE)) as typeof setInterval
  try {
    let weather: Weather = 'up'
    const seed = chance(7)
    const transport = createFakeTransport((connection) =>
      later(clock, 180 + seed() * 300, () => answer(connection, weather)),
    )
    const machine = connectionMachine.provide({
      actors: {
        transport: transport.logic,
        subscriptions: subscriptionsMachine.provide({ actors: { sync: sync(clock) } }),
      },
    })
    const actor = createActor(machine, {
      id: 'connection',
      clock,
      inspect: inspection.inspect,
      input: { random: seed, now: clock.now, reconnect: { maxAttempts: 7 } },
    })
    actor.start()
    let published = 0
    let outbox = 0
    const sample = () => ({
      outbox: Math.round(outbox),
      outboxBytes: Math.round(outbox) * 260,
      published,
      received: published * 3,
      inFlight: 0,
    })
    inspection.watch(actor, sample)
    const pass = async (ms: number) => {
      clock.tick(ms)
      const online = actor.getSnapshot().hasTag('online')
      if (online) published += Math.round((ms / 1000) * (4 + 2 * Math.sin(clock.now() / (23 * MINUTE)) + 2 * seed()))
      outbox = online ? 0 : outbox + ms / 9_000
      await new Promise((resolve) => setImmediate(resolve))
    }
    const passAll = async (ms: number, step = MINUTE) => {
      for (let passed = 0; passed < ms; passed += step) await pass(Math.min(step, ms - passed))
    }

    actor.send({ type: 'CONNECT' })
    actor.send({
      type: 'PERIODIC.START',
      schedule: { id: 'heartbeat', interval: 5 * MINUTE, jitter: 0, responseTimeout: null },
    })
    await passAll(108 * MINUTE)
    weather = 'down'
    transport.current.fail({ kind: 'keepalive' })
    await passAll(9 * MINUTE, 10_000)
    weather = 'up'
    await passAll(131 * MINUTE)
    transport.current.fail({ kind: 'disconnected', reasonCode: 0x8b })
    await passAll(97 * MINUTE)
    transport.current.fail({ kind: 'socket', code: 'ECONNRESET', message: 'read ECONNRESET' })
    await passAll(58 * MINUTE)
    weather = 'down'
    transport.current.fail({ kind: 'closed' })
    // Until the second cycle has begun.
    while (!(actor.getSnapshot().matches('recovering') && actor.getSnapshot().context.cycle === 2)) await pass(250)
    await pass(Math.max(0, (actor.getSnapshot().context.delay ?? 0) - 43_400))
    shift(clock.now() - end)
    return actor
  } finally {
    Date.now = realNow
    globalThis.setInterval = setInterval
  }

  /** Moves `Date.now` to the time of the simulated clock, whose night did not end exactly now. */
  function shift(ms: number): void {
    const then = realNow
    setImmediate(() => {
      Date.now = () => then() + ms
    })
  }
}

function answer(connection: FakeConnection, weather: Weather): void {
  if (connection.stopped) return
  if (weather === 'up') connection.open()
  else if (weather === 'down') connection.fail(refused)
}

function sync(clock: ReturnType<typeof createTestClock>) {
  return fromCallback<AnyEventObject, SyncInput>(({ sendBack }) => {
    const send = (event: SubscriptionsEvent) => sendBack(event)
    const timers = [
      later(clock, 40, () => send({ type: 'sync.progress', done: 6, total: 12 })),
      later(clock, 90, () =>
        send({ type: 'sync.settled', wanted: 12, held: 12, refused: 0, retryable: 0, suspended: 0 }),
      ),
    ]
    return () => {
      for (const timer of timers) clock.clearTimeout(timer)
    }
  })
}

function later(clock: ReturnType<typeof createTestClock>, ms: number, callback: () => void): unknown {
  return clock.setTimeout(callback, ms)
}

function chance(seed: number): () => number {
  let state = seed
  return () => {
    state = (state * 16_807) % 2_147_483_647
    return state / 2_147_483_647
  }
}
