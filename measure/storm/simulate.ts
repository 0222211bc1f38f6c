import { createActor, fromCallback, type Actor } from 'xstate'

import type { TransportCommand, TransportInput } from '../../machines/connection/types.ts'
import { connectionMachine } from '../../machines/index.ts'
import { seeded } from '../lab/seeded.ts'
import { BrokerModel } from './broker-model.ts'
import { EventQueue } from './event-queue.ts'
import type { StormPolicy } from './policies.ts'

export interface StormOptions {
  readonly clients: number
  /** In milliseconds. */
  readonly outage: number
  /** Connections a second that the broker can take. */
  readonly capacity: number
  /** How many attempts may wait at the broker. */
  readonly backlog: number
  readonly seed: number
}

/** One second of a storm, counted from the beginning of the outage. */
export interface StormSecond {
  readonly second: number
  readonly attempts: number
  readonly restored: number
}

export interface StormResult {
  readonly clients: number
  readonly restored: number
  /** They had used up their attempts and cycles. */
  readonly gaveUp: number
  /** Attempts in the busiest second after the broker was back. */
  readonly peakConnectsPerSecond: number
  readonly peakDuringOutage: number
  /** From the broker's return until a client's messages flow, in milliseconds. */
  readonly medianRestoredMs: number
  readonly p99RestoredMs: number
  /** Attempts that came to nothing. */
  readonly wastedAttempts: number
  /** Of these, after the broker was back. */
  readonly wastedAfterOutage: number
  /**
   * Events that the connection machines processed, and the subscriptions machines in them, in the outage and after it.
   * Steps within one event are not counted, nor are the transport actors that come and go with each attempt.
   */
  readonly transitions: number
  readonly transitionsPerSecond: number
  readonly timeline: readonly StormSecond[]
}

/** All are connected, and stable, by then. */
const CALM = 120_000
const ROUND_TRIP = 20
/** A dead broker's clients learn of it almost at once. */
const LEARN_WITHIN = 200
/** So much of an outage is enough for a policy without memory: longer ones repeat it. */
const MEMORYLESS = 60_000
/** After this long without everybody being back the simulation ends. */
const PATIENCE = 3_600_000

/** The real machines, in simulated time, against a broker that is gone for a while. */
export function simulate(
  policy: StormPolicy,
  { clients, capacity, backlog, seed, ...options }: StormOptions,
): StormResult {
  const skipped = policy.memoryless ? Math.max(0, options.outage - MEMORYLESS) : 0
  const outage = options.outage - skipped
  const queue = new EventQueue()
  const random = seeded(seed)
  const calmBroker = { capacity: Number.POSITIVE_INFINITY, backlog: Number.POSITIVE_INFINITY, roundTrip: ROUND_TRIP }
  let broker = new BrokerModel(queue, calmBroker)
  const restoredAt: number[] = []
  let transitions = 0

  const machine = connectionMachine.provide({
    actors: {
      transport: fromCallback<TransportCommand, TransportInput>(({ sendBack }) => {
        const attempt = broker.connect({
          opened: () => sendBack({ type: 'transport.opened', sessionPresent: false }),
          failed: (failure) => sendBack({ type: 'transport.failed', failure }),
        })
        return () => attempt.abandon()
      }),
    },
    // Each opening is two transitions of the subscriptions machine, and each end is one.
    actions: {
      openGate: () => {
        restoredAt.push(queue.now())
        transitions += 2
      },
      closeGate: () => void transitions++,
    },
  })
  const actors: Actor<typeof machine>[] = []
  for (let n = 0; n < clients; n++) {
    const actor = createActor(machine, { clock: queue, input: { ...policy.input, random, now: queue.now } })
    actor.subscribe(() => void transitions++)
    actors.push(actor)
    queue.at((CALM / 2) * random(), () => {
      actor.start()
      actor.send({ type: 'CONNECT' })
    })
  }
  queue.run(CALM)
  if (restoredAt.length !== clients) throw new Error(`only ${restoredAt.length} of ${clients} were connected`)

  const calm = broker
  calm.down(LEARN_WITHIN, random)
  broker = new BrokerModel(queue, { capacity, backlog, roundTrip: ROUND_TRIP })
  broker.down(0, random)
  restoredAt.length = 0
  transitions = 0
  const started = performance.now()
  queue.run(CALM + outage)
  const refusedInOutage = broker.refused
  broker.up()
  queue.run(CALM + outage + PATIENCE, () => restoredAt.length === clients)
  const took = (performance.now() - started) / 1_000
  const gaveUp = actors.filter((actor) => actor.getSnapshot().value === 'failed').length
  for (const actor of actors) actor.stop()

  const back = CALM + outage
  const waits = restoredAt.map((at) => at - back).toSorted((a, b) => a - b)
  const percentile = (share: number) => waits[Math.min(waits.length - 1, Math.floor(clients * share))] ?? Number.NaN
  // What the skipped part of the outage would have added, second for second.
  const skippedAttempts = (refusedInOutage / (outage / 1_000)) * (skipped / 1_000)
  const wastedAfterOutage = broker.refused - refusedInOutage + broker.abandoned
  const simulated = timeline(broker.arrivals, restoredAt, CALM, skipped)
  const seconds = [...like(Math.round(refusedInOutage / (outage / 1_000)), skipped / 1_000), ...simulated]
  return {
    clients,
    restored: restoredAt.length,
    gaveUp,
    peakConnectsPerSecond: peak(seconds, options.outage / 1_000, Number.POSITIVE_INFINITY),
    peakDuringOutage: peak(seconds, 0, options.outage / 1_000),
    medianRestoredMs: percentile(0.5),
    p99RestoredMs: percentile(0.99),
    wastedAttempts: Math.round(refusedInOutage + skippedAttempts + wastedAfterOutage),
    wastedAfterOutage,
    transitions,
    transitionsPerSecond: Math.round(transitions / took),
    timeline: seconds,
  }
}

function peak(seconds: readonly StormSecond[], from: number, to: number): number {
  return seconds
    .filter(({ second }) => second >= from && second < to)
    .reduce((most, { attempts }) => Math.max(most, attempts), 0)
}

/** The part of the outage that was skipped. */
function like(attempts: number, seconds: number): StormSecond[] {
  return Array.from({ length: seconds }, (_, second) => ({ second, attempts, restored: 0 }))
}

function timeline(arrivals: readonly number[], restoredAt: readonly number[], origin: number, skipped: number) {
  const offset = (skipped - origin) / 1_000
  const restored: number[] = []
  for (const at of restoredAt) restored[Math.floor(at / 1_000)] = (restored[Math.floor(at / 1_000)] ?? 0) + 1
  const seconds: StormSecond[] = []
  for (let second = origin / 1_000; second < Math.max(arrivals.length, restored.length); second++) {
    seconds.push({ second: second + offset, attempts: arrivals[second] ?? 0, restored: restored[second] ?? 0 })
  }
  return seconds
}
