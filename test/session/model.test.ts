import { describe, expect, test } from 'vitest'

import type { Failure } from '../../machines/failure.ts'
import type { OutboxConfig } from '../../src/config/client-config.ts'
import { defaultOutbox, defaultQuarantine } from '../../src/config/defaults.ts'
import { PoisonPacketError } from '../../src/index.ts'
import { Publication } from '../../src/session/outgoing/publication.ts'
import { Sender } from '../../src/session/outgoing/sender.ts'
import { isAside } from '../../src/session/outgoing/suspects.ts'
import { createTestClock } from '../../testing/index.ts'
import { nameOf } from '../support/promises.ts'
import { fc } from '../support/property.ts'
import { randomCases } from '../support/repetitions.ts'
import { ModelBroker } from './model-broker.ts'

type Qos = 0 | 1 | 2

interface Published {
  readonly name: string
  readonly topic: string
  readonly qos: Qos
  readonly publication: Publication
  /** `done` or the name of an error, for each time that it settled. */
  readonly outcomes: string[]
  /** Whether the session was lost while it was accepted and not settled. */
  risked: boolean
  /** Whether it was suspended. Then others may come before it. */
  aside: boolean
}

/** A sender with a model broker, and everything that was published. */
class Scene {
  readonly clock = createTestClock()
  readonly broker: ModelBroker
  readonly sender: Sender
  readonly published: Published[] = []
  drained = 0

  constructor(receiveMaximum: number, outbox: OutboxConfig) {
    this.broker = new ModelBroker(receiveMaximum)
    const { clock } = this
    this.sender = new Sender(
      {
        outbox,
        clock,
        timeouts: { ackTimeout: 60_000, probeTimeout: 5_000 },
        now: clock.now,
        time: clock.now,
        random: () => 0,
        journal: undefined,
        quarantine: defaultQuarantine,
      },
      {
        drained: () => void this.drained++,
        acknowledging: () => {},
        publishQuarantined: () => {},
        publishRateReduced: () => {},
        orphanFailed: () => {},
      },
      () => {},
    )
  }

  publish(qos: Qos, topic: string, ttl: number | undefined, latest: string | undefined): void {
    const name = `${this.published.length}`
    const outcomes: string[] = []
    const publication = new Publication({
      topic,
      payload: name,
      qos,
      retain: false,
      properties: undefined,
      acceptedAt: this.clock.now(),
      expiresAt: this.clock.now() + (ttl ?? Number.POSITIVE_INFINITY),
      latest,
      durable: false,
      resolve: () => outcomes.push('done'),
      reject: (error) => outcomes.push(nameOf(error)),
    })
    this.published.push({ name, topic, qos, publication, outcomes, risked: false, aside: false })
    void this.sender.publish(publication, undefined)
  }

  connect(keepSession: boolean): void {
    if (!keepSession) {
      // The broker has accepted publishes past PUBREC, which must not be sent as new ones.
      for (const it of this.published) if (it.outcomes.length === 0) it.risked ||= it.publication.phase !== 'released'
    }
    this.broker.connect(this.sender, keepSession)
  }

  /** Remembers which publications are suspended. */
  look(): void {
    for (const it of this.published) it.aside ||= isAside(it.publication)
  }

  /** Lets every publish settle, with the session kept. */
  async finish(): Promise<void> {
    this.connect(true)
    this.broker.setWritable(this.sender, true)
    this.sender.resumePublishing()
    for (let i = 0; i < 10_000 && !this.sender.backlog.awaitDrained(); i++) {
      this.broker.receive(Number.POSITIVE_INFINITY)
      this.broker.answer(this.sender, Number.POSITIVE_INFINITY)
      await Promise.resolve()
      await Promise.resolve()
      await Promise.resolve()
      this.look()
      // Suspended publishes are tried again, and resting ones continue.
      if (this.sender.status.suspended > 0 || i > 20) this.clock.tick(60_000)
    }
    this.broker.receive(Number.POSITIVE_INFINITY)
  }
}

type Step = (scene: Scene) => void | Promise<void>

const named = (name: string, step: Step) => Object.assign(step, { toString: () => name })

const qos = fc.constantFrom(0 as const, 1 as const, 2 as const)
const few = fc.integer({ min: 1, max: 6 })

const publish = fc
  .tuple(
    qos,
    fc.constantFrom('a', 'b'),
    fc.option(fc.integer({ min: 1, max: 50 }), { nil: undefined, freq: 4 }),
    fc.option(fc.constantFrom('k', 'l'), { nil: undefined, freq: 4 }),
  )
  .map(([level, topic, ttl, latest]) =>
    named(`publish(${level}, ${topic}, ${ttl}, ${latest})`, (scene) => scene.publish(level, topic, ttl, latest)),
  )

const drops = (failures: readonly Failure[]) =>
  fc
    .constantFrom(...failures)
    .map((failure) => named(`drop(${failure.kind})`, (scene) => scene.broker.drop(scene.sender, failure)))

const steps = (failures: readonly Failure[]) =>
  fc.array(
    fc.oneof(
      { weight: 8, arbitrary: publish },
      { weight: 4, arbitrary: few.map((n) => named(`receive(${n})`, ({ broker }) => broker.receive(n))) },
      {
        weight: 4,
        arbitrary: few.map((n) => named(`answer(${n})`, ({ broker, sender }) => broker.answer(sender, n))),
      },
      { weight: 3, arbitrary: fc.constant(named('connect(kept)', (scene) => scene.connect(true))) },
      { weight: 1, arbitrary: fc.constant(named('connect(lost)', (scene) => scene.connect(false))) },
      { weight: 4, arbitrary: fc.constant(named('resumePublishing', ({ sender }) => sender.resumePublishing())) },
      { weight: 1, arbitrary: fc.constant(named('pausePublishing', ({ sender }) => sender.pausePublishing())) },
      { weight: 2, arbitrary: drops(failures) },
      {
        weight: 1,
        arbitrary: fc
          .boolean()
          .map((to) => named(`writable(${to})`, ({ broker, sender }) => broker.setWritable(sender, to))),
      },
      { weight: 1, arbitrary: few.map((n) => named(`tick(${n * 10})`, ({ clock }) => void clock.tick(n * 10))) },
      {
        weight: 1,
        arbitrary: fc.nat(50).map((n) =>
          named(`abort(${n})`, ({ sender, published }) => {
            const it = published[n]
            if (it?.publication.phase === 'waiting') sender.abort(it.publication, new Error('aborted'))
          }),
        ),
      },
      {
        weight: 1,
        arbitrary: fc.constant(
          named('disconnect and reject', ({ broker, sender }) => {
            broker.drop(sender, failures[0]!)
            sender.reject(new Error('disconnected'))
          }),
        ),
      },
      { weight: 4, arbitrary: fc.constant(named('turn', async () => await Promise.resolve())) },
    ),
    { maxLength: 120, size: 'max' },
  )

const outbox = fc.record({
  maxMessages: fc.constantFrom(3, 10, 1_000),
  maxBytes: fc.constantFrom(8, 1_000),
  overflow: fc.constantFrom('reject' as const, 'drop-oldest' as const, 'drop-newest' as const),
  rate: fc.constantFrom(defaultOutbox.rate, { messages: 20, bytes: 50 }),
})
const receiveMaximum = fc.constantFrom(1, 2, 5, 65_535)

async function play(most: number, options: OutboxConfig, script: readonly Step[]): Promise<Scene> {
  const scene = new Scene(most, options)
  for (const step of script) {
    await step(scene)
    scene.look()
  }
  await scene.finish()
  return scene
}

function expectNothingIsLost({ broker, sender, published }: Scene): void {
  expect(broker.violations).toEqual([])
  expect(broker.mostInFlight).toBeLessThanOrEqual(broker.receiveMaximum)
  expect(sender.backlog.awaitDrained()).toBe(true)
  expect(sender.onWire).toBe(0)
  expect(sender.status).toMatchObject({ size: 0, bytes: 0, inFlight: 0 })
  const times = new Map<string, number>()
  for (const name of broker.delivered) times.set(name, (times.get(name) ?? 0) + 1)
  for (const { name, qos: level, outcomes, risked } of published) {
    expect(outcomes).toHaveLength(1)
    if (level > 0 && outcomes[0] === 'done') expect(times.get(name)).toBeGreaterThan(0)
    if (level === 2 && !risked) expect(times.get(name) ?? 0).toBeLessThanOrEqual(1)
    if (level === 0) expect(times.get(name) ?? 0).toBeLessThanOrEqual(1)
  }
}

/** Checks for each topic and QoS that messages arrive for the first time in the order of publishing. */
function expectOrder({ broker, published }: Scene): void {
  const first = [...new Set(broker.delivered)].map((name) => published[Number(name)]!).filter(({ aside }) => !aside)
  for (const topic of ['a', 'b']) {
    for (const level of [0, 1, 2]) {
      const numbers = first.filter((it) => it.topic === topic && it.qos === level).map(({ name }) => Number(name))
      expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
    }
  }
}

const network: Failure = { kind: 'socket', code: 'ETIMEDOUT', message: 'timed out' }
const reset: Failure = { kind: 'socket', code: 'ECONNRESET', message: 'reset' }

describe('any sequence of events', () => {
  test('loses, duplicates and reorders nothing, and every promise settles once', async () => {
    await fc.assert(
      fc.asyncProperty(receiveMaximum, outbox, steps([network]), async (most, options, script) => {
        const scene = await play(most, options, script)
        expectNothingIsLost(scene)
        expectOrder(scene)
        expect(scene.published.flatMap(({ outcomes }) => outcomes)).not.toContain(PoisonPacketError.name)
      }),
      { numRuns: randomCases(120, 1_000) },
    )
  }, 60_000)

  test('does so with closes that cast suspicion too', async () => {
    const tooFast: Failure = { kind: 'disconnected', reasonCode: 0x96 }
    const closes: readonly Failure[] = [tooFast, { kind: 'closed' }, { kind: 'disconnected', reasonCode: 0x90 }, reset]
    await fc.assert(
      fc.asyncProperty(receiveMaximum, outbox, steps(closes), async (most, options, script) => {
        const scene = await play(most, options, script)
        expectNothingIsLost(scene)
        expectOrder(scene)
      }),
      { numRuns: randomCases(120, 1_000) },
    )
  }, 60_000)

  test('ends with `drained`, unless nothing ever waited', async () => {
    await fc.assert(
      fc.asyncProperty(receiveMaximum, outbox, steps([network]), async (most, options, script) => {
        const scene = await play(most, options, script)
        scene.drained = 0
        scene.publish(1, 'a', undefined, undefined)
        await scene.finish()
        await Promise.resolve()
        await Promise.resolve()
        expect(scene.drained).toBe(1)
      }),
      { numRuns: randomCases(50, 200) },
    )
  })
})
