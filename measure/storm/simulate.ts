import { createActor, fromCallback, type Actor } from 'xstate'

import type { TransportCommand, TransportInput } from '../../machines/connection/types.ts'
import { connectionMachine } from '../../machines/index.ts'
import { Turnstile } from '../../src/fleet/turnstile.ts'
import { visit } from '../../src/lifecycle/admission.ts'
import { seeded } from '../lab/seeded.ts'
import { BrokerModel } from './broker-model.ts'
import { EventQueue } from './event-queue.ts'
import type { StormPolicy } from './policies.ts'

export interface StormOptions {
  readonly clients: number
  /** In milliseconds. */
  readonly outage: number
  /** How many connections per second the broker can accept. */
  readonly capacity: number
  /** How many attempts may wait at the broker. */
  readonly backlog: number
  readonly seed: number
}

/** One second of a storm. `second` counts from the beginning of the outage. */
export interface StormSecond {
  readonly second: number
  readonly attempts: number
  readonly restored: number
}

export interface StormResult {
  readonly clients: number
  readonly restored: number
  /** How many clients used up their attempts and cycles. */
  readonly gaveUp: number
  /** The attempts in the busiest second after the broker's return. */
  readonly peakConnectsPerSecond: number
  readonly peakDuringOutage: number
  /** The time from the broker's return until a client's messages flow, in milliseconds. */
  readonly medianRestoredMs: number
  readonly p99RestoredMs: number
  /** The number of failed attempts. */
  readonly wastedAttempts: number
  /** The number of failed attempts after the broker's return. */
  readonly wastedAfterOutage: number
  /**
   * The number of events that the connection machines and their subscriptions machines processed during and after the
   * outage. Microsteps are not counted, and neither are events of the transport actors.
   */
  readonly transitions: number
  readonly transitionsPerSecond: number
  readonly timeline: readonly StormSecond[]
}

/** In milliseconds. By then all clients are connected and stable, even if the gate lets in a hundredth of them per second. */
const CALM = 180_000
/** In milliseconds. The clients start within this time. */
const START_WITHIN = 60_000
const ROUND_TRIP = 20
/** In milliseconds. Clients notice almost at once that the broker has failed. */
const LEARN_WITHIN = 200
/** In milliseconds. For a memoryless policy, simulating this much of an outage is enough. */
const MEMORYLESS = 60_000
/** In milliseconds. The simulation ends after this time, even if not all clients are connected. */
const PATIENCE = 3_600_000

const SERVERS = ['mqtt://broker:1883']

/** Simulates an outage of the broker, with the real machines in simulated time. */
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
  const gate = policy.gate && new Turnstile({ ...policy.gate(capacity), clock: queue, now: queue.now })
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
      admission: fromCallback(({ self, sendBack }) => {
        const asker = self._parent
        const admit = () => sendBack({ type: 'admission.granted' })
        return gate && asker && visit({ gate, machine: asker, servers: SERVERS, admit, onThrow: fail })
      }),
    },
    // Each connection means two transitions of the subscriptions machine, and its end means one. A failed attempt means
    // none.
    actions: {
      resumePublishing: () => {
        restoredAt.push(queue.now())
        transitions += 2
      },
      pausePublishing: ({ context }) => {
        if (context.openedAt !== null) transitions++
      },
    },
  })
  const actors: Actor<typeof machine>[] = []
  for (let n = 0; n < clients; n++) {
    const actor = createActor(machine, { clock: queue, input: { ...policy.input, random, now: queue.now } })
    actor.subscribe(() => void transitions++)
    actors.push(actor)
    queue.at(START_WITHIN * random(), () => {
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
  const started = process.cpuUsage()
  queue.run(CALM + outage)
  const refusedInOutage = broker.refused
  broker.up()
  queue.run(CALM + outage + PATIENCE, () => restoredAt.length === clients)
  const { user, system } = process.cpuUsage(started)
  const took = (user + system) / 1_000_000
  const gaveUp = actors.filter((actor) => actor.getSnapshot().value === 'failed').length
  for (const actor of actors) actor.stop()

  const back = CALM + outage
  const waits = restoredAt.map((at) => at - back).toSorted((a, b) => a - b)
  const percentile = (share: number) => waits[Math.min(waits.length - 1, Math.floor(clients * share))] ?? Number.NaN
  // The attempts in the skipped part of the outage, at the same rate as in the simulated part.
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

function fail(error: unknown): never {
  throw error
}

function peak(seconds: readonly StormSecond[], from: number, to: number): number {
  return seconds
    .filter(({ second }) => second >= from && second < to)
    .reduce((most, { attempts }) => Math.max(most, attempts), 0)
}

/** The skipped part of the outage, with the same number of attempts in each second. */
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
