import { expect, test } from 'vitest'

import { defaultQuarantine } from '../../src/config/defaults.ts'
import { Backlog } from '../../src/session/outgoing/backlog.ts'
import type { Publication } from '../../src/session/outgoing/publication.ts'
import { LevelJournal } from '../../src/store/level-journal.ts'
import type { Window } from '../../src/store/restore.ts'
import { createTestClock } from '../../testing/index.ts'
import { turns } from '../support/event-loop.ts'
import { fc } from '../support/property.ts'
import { durablePublication, publication } from '../support/publication.ts'
import { randomCases } from '../support/repetitions.ts'
import { contentsOf, SpiedDatabase } from './journal-on.ts'

// What waits behaves the same whether it is in memory or on disk. Two processes find the same store: one reads all of it
// at once, and the other a few publications at a time. Whatever happens then, both send the same in the same order, drop
// and expire the same, and leave the same for the next process.

const everything: Window = { messages: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY }

const message = fc.record({
  latest: fc.option(fc.constantFrom('k', 'l'), { nil: undefined, freq: 3 }),
  /** Expires between two steps of the clock. */
  ttl: fc.constantFrom(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 7_000, 27_000),
  bytes: fc.nat(20),
})

const anyStep = fc.oneof(
  { weight: 4, arbitrary: fc.record({ type: fc.constant('send' as const), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 3, arbitrary: message.map((init) => ({ type: 'durable' as const, ...init })) },
  { weight: 1, arbitrary: message.map((init) => ({ type: 'refused' as const, ...init })) },
  { weight: 2, arbitrary: message.map((init) => ({ type: 'volatile' as const, ...init })) },
  { weight: 2, arbitrary: fc.constant({ type: 'wait' as const }) },
  { weight: 2, arbitrary: fc.constant({ type: 'session lost' as const }) },
  { weight: 1, arbitrary: fc.constant({ type: 'store reopened' as const }) },
)

const scenes = fc.record({
  left: fc.array(message, { maxLength: 20 }),
  steps: fc.array(anyStep, { maxLength: 25 }),
  window: fc.record({ messages: fc.integer({ min: 1, max: 5 }), bytes: fc.integer({ min: 1, max: 60 }) }),
  overflow: fc.constantFrom('reject' as const, 'drop-oldest' as const, 'drop-newest' as const),
  maxMessages: fc.integer({ min: 5, max: 30 }),
})

test('publications on disk behave like those in memory', async () => {
  await fc.assert(
    fc.asyncProperty(scenes, async (scene) => {
      const inMemory = await outcomeOf(scene, everything)
      const onDisk = await outcomeOf(scene, scene.window)
      expect(onDisk).toEqual(inMemory)
    }),
    { numRuns: randomCases(60, 3_000) },
  )
})

type Scene = typeof scenes extends fc.Arbitrary<infer Value> ? Value : never
type Message = typeof message extends fc.Arbitrary<infer Value> ? Value : never

/** Everything that can be observed in a scene. */
async function outcomeOf(scene: Scene, window: Window) {
  const database = new SpiedDatabase()
  const clock = createTestClock({ now: 1_000_000 })
  await fill(database, scene.left, clock.now())
  const { steps, overflow, maxMessages } = scene
  const process = start(database.reopened(), window, { overflow, maxMessages }, clock)
  await process.opened
  for (const [n, each] of steps.entries()) await process.take(each, `${n}`)
  const observed = process.observed()
  await process.journal.close()
  const next = database.reopened()
  return { ...observed, left: await contentsOf(next), waiting: await waitingIn(next, clock) }
}

async function fill(database: SpiedDatabase, left: readonly Message[], now: number): Promise<void> {
  const clock = createTestClock({ now })
  const { journal } = createJournal(database, everything, clock)
  for (const [n, each] of left.entries()) await journal.accepted(durablePublication(`left ${n}`, initOf(each, now)))
  await journal.close()
}

function initOf({ latest, ttl, bytes }: Message, now: number) {
  return { latest, payload: 'x'.repeat(bytes), acceptedAt: now, expiresAt: now + ttl }
}

function createJournal(store: SpiedDatabase, window: Window, clock: ReturnType<typeof createTestClock>) {
  const hooks = {
    onRestored: (..._lists: Parameters<Backlog['restore']>) => {},
    onStored: (_publication: Publication) => {},
    onRefused: (_publication: Publication, _error: unknown) => {},
    onError: (_error: unknown) => {},
  }
  const journal = new LevelJournal({
    store,
    clock,
    window,
    generateClientId: () => 'generated',
    onRestored: (...lists) => hooks.onRestored(...lists),
    onStored: (each) => hooks.onStored(each),
    onRefused: (each, error) => hooks.onRefused(each, error),
    onError: (error) => hooks.onError(error),
  })
  return { journal, hooks }
}

function start(
  store: SpiedDatabase,
  window: Window,
  limits: Pick<Scene, 'overflow' | 'maxMessages'>,
  clock: ReturnType<typeof createTestClock>,
) {
  const { journal, hooks } = createJournal(store, window, clock)
  const log: string[] = []
  const sent: string[] = []
  const sizes: unknown[] = []
  const flying: Publication[] = []
  const backlog = new Backlog(
    {
      clock,
      now: () => clock.now(),
      time: () => clock.now() - 1_000_000,
      random: () => 0,
      journal,
      outbox: { ...limits, maxBytes: 400 },
      quarantine: defaultQuarantine,
    },
    {
      publishQuarantined: () => {},
      orphanFailed: (error) => void log.push((error as Error).message),
      drained: () => {},
    },
    { changed: () => {}, due: () => {} },
  )
  hooks.onRestored = (...lists) => backlog.restore(...lists)
  hooks.onStored = (each) => backlog.outbox.stored(each)
  hooks.onRefused = (each, error) => backlog.withdraw(each, error)

  async function send(count: number): Promise<void> {
    for (let left = count, tries = 0; left > 0;) {
      if (++tries > 200) throw new Error('nothing comes from the store')
      const next = backlog.outbox.peek(clock.now() - 1_000_000)
      if (next) {
        backlog.outbox.shift(next)
        sent.push(next.topic)
        next.phase = 'sent'
        flying.push(next)
        left--
      } else if (backlog.outbox.size === 0) return
      // It is being read.
      else await turns(3)
    }
  }

  function add(each: Message, topic: string, durable: boolean): Promise<void> | undefined {
    const init = { ...initOf(each, clock.now()), reject: (error: unknown) => void log.push((error as Error).message) }
    const added = durable ? durablePublication(topic, init) : publication(topic, init)
    added.startedAt = clock.now() - 1_000_000
    backlog.add(added)
    return durable && added.phase !== 'settled' ? journal.accepted(added) : undefined
  }

  async function take(step: Scene['steps'][number], name: string): Promise<void> {
    switch (step.type) {
      case 'send':
        await send(step.count)
        break
      case 'durable':
        void add(step, `durable ${name}`, true)
        break
      case 'refused':
        store.failure = new Error('full')
        await add(step, `refused ${name}`, true)?.catch(() => {})
        await turns(3)
        store.failure = undefined
        break
      case 'volatile':
        void add(step, `volatile ${name}`, false)
        break
      case 'wait':
        for (const each of flying.splice(0)) backlog.settlement.succeed(each)
        await clock.tickAsync(10_000)
        break
      case 'session lost': {
        const unsent = flying.splice(0)
        for (const each of unsent) each.phase = 'waiting'
        backlog.outbox.addFirst(unsent)
        break
      }
      case 'store reopened': {
        // The journal compares the contents of the store after a failed write.
        const unknown = durablePublication('not in the outbox')
        unknown.phase = 'settled'
        store.failure = new Error('full')
        await journal.accepted(unknown).catch(() => {})
        store.failure = undefined
        await journal.flush()
      }
    }
    await turns(4)
    sizes.push({ type: step.type, size: backlog.outbox.size, bytes: backlog.outbox.bytes })
  }

  return { journal, opened: journal.open(), take, observed: () => ({ sent, sizes, log: log.toSorted() }) }
}

/** What the process after it would send, in order. */
async function waitingIn(database: SpiedDatabase, clock: ReturnType<typeof createTestClock>): Promise<string[]> {
  const { journal, hooks } = createJournal(database, everything, clock)
  let topics: string[] = []
  hooks.onRestored = (waiting) => void (topics = waiting.map(({ topic }) => topic))
  await journal.open()
  await journal.close()
  return topics
}
