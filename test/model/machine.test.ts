import assert from 'node:assert/strict'
import { expect, test } from 'vitest'
import { createActor, fromCallback, fromPromise, type AnyEventObject } from 'xstate'

import type { ConnectionInput } from '../../machines/config.ts'
import type {
  RefreshedCredentials,
  RefreshReason,
  TransportCommand,
  TransportInput,
} from '../../machines/connection/types.ts'
import type { Failure } from '../../machines/failure.ts'
import { connectionMachine, periodicRequestMachine, subscriptionsMachine } from '../../machines/index.ts'
import { defaultFailover, knownServers, pickServer } from '../../machines/policy/servers.ts'
import type { SyncInput } from '../../machines/subscriptions.ts'
import { gaveUp as rested, stateOf } from '../../src/lifecycle/snapshot.ts'
import { checkRecording } from '../../testing/replay/check-recording.ts'
import { createTestClock } from '../../testing/test-clock.ts'
import { fc } from '../support/property.ts'
import { recordedMachine } from '../support/recorded-machine.ts'
import { randomCases } from '../support/repetitions.ts'

/** Steps of the whole test; `FC_STEPS=1000000` looks harder. */
const STEPS = Number(process.env['FC_STEPS'] ?? randomCases(5_000, 100_000))
const LONGEST = 100
const RUNS = Math.ceil(STEPS / (LONGEST / 2))

type Step =
  | { readonly do: 'command'; readonly type: 'CONNECT' | 'DISCONNECT' | 'RETRY' | 'WAKE' | 'RECOVER' | 'DROP' }
  | { readonly do: 'start' | 'stop'; readonly id: string }
  | { readonly do: 'open'; readonly sessionPresent: boolean; readonly reauthenticates: boolean }
  | { readonly do: 'reauthenticated' }
  | { readonly do: 'fail'; readonly failure: Failure; readonly late: boolean }
  | { readonly do: 'closed' }
  | { readonly do: 'admit' }
  | { readonly do: 'traffic'; readonly quiet: boolean }
  | { readonly do: 'sync'; readonly how: 'progress' | 'settled' | 'refused' | 'throw' }
  | { readonly do: 'token'; readonly how: 'granted' | 'expired' | 'failed' | 'forbidden' }
  | { readonly do: 'pass'; readonly ms: number }

const failure: fc.Arbitrary<Failure> = fc.oneof(
  fc.constant<Failure>({ kind: 'closed' }),
  fc.constant<Failure>({ kind: 'closed', reauthenticating: true }),
  fc.constant<Failure>({ kind: 'authentication', step: 'verify', name: 'Error' }),
  fc.constant<Failure>({ kind: 'keepalive' }),
  fc.constant<Failure>({ kind: 'socket', code: 'ECONNREFUSED', message: 'refused' }),
  fc.record({
    kind: fc.constant('refused' as const),
    protocolVersion: fc.constantFrom(4 as const, 5 as const),
    reasonCode: fc.constantFrom(1, 3, 5, 0x87, 0x89, 0x8a, 0x9d),
    serverReference: fc.constant('other:1883'),
  }),
  fc.record({
    kind: fc.constant('disconnected' as const),
    reasonCode: fc.constantFrom(0, 0x8b, 0x8e, 0x93, 0x98, 0x9c),
    serverReference: fc.constant('other:1883'),
  }),
)

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('command' as const),
      type: fc.constantFrom(
        'CONNECT' as const,
        'DISCONNECT' as const,
        'RETRY' as const,
        'WAKE' as const,
        'RECOVER' as const,
        'DROP' as const,
      ),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('open' as const),
      sessionPresent: fc.boolean(),
      reauthenticates: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'reauthenticated' }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('fail' as const), failure, late: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant<Step>({ do: 'closed' }) },
  { weight: 2, arbitrary: fc.constant<Step>({ do: 'admit' }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('traffic' as const), quiet: fc.boolean() }) },
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('sync' as const),
      how: fc.constantFrom(
        'progress' as const,
        'settled' as const,
        'settled' as const,
        'refused' as const,
        'throw' as const,
      ),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('token' as const),
      how: fc.constantFrom('granted' as const, 'expired' as const, 'failed' as const, 'forbidden' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('start' as const, 'stop' as const), id: fc.constantFrom('a', 'b') }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.constantFrom(0, 1, 50, 999, 1_000, 5_000, 30_000, 60_000, 300_000, 3_600_000),
    }),
  },
)

const config = fc.record({
  canRefresh: fc.boolean(),
  gated: fc.boolean(),
  reconnect: fc.record({ enabled: fc.boolean(), maxAttempts: fc.constantFrom(0, 1, 3) }),
  recovery: fc.record({ enabled: fc.boolean(), maxAttempts: fc.constantFrom(0, 1, 3), refreshTokenEvery: fc.nat(2) }),
  redirect: fc.record({ allow: fc.boolean().map((allowed) => () => allowed), maxHops: fc.nat(2) }),
  onTakeover: fc.constantFrom('fail' as const, 'retry-later' as const),
  failover: fc.record({
    selection: fc.constantFrom('rotate' as const, 'ordered' as const, 'weighted' as const),
    failBackAfter: fc.constantFrom(0, 300_000),
  }),
}) satisfies fc.Arbitrary<ConnectionInput>

/** One connection, and what became of it. */
interface FakeLink {
  opened: boolean
  /** Whether its end was reported to the machine. */
  ended: boolean
  stopped: boolean
  tell(event: AnyEventObject): void
}

/** One SUBSCRIBE round. */
interface FakeSync {
  tell(event: AnyEventObject): void
  break(): void
}

function world(input: ConnectionInput) {
  const clock = createTestClock({ now: Date.UTC(2024, 0, 1) })
  const links: FakeLink[] = []
  const syncs: FakeSync[] = []
  const tokens: { resolve(value: RefreshedCredentials): void; reject(error: Error): void }[] = []
  const admissions: (() => void)[] = []
  const errors: unknown[] = []
  const running = { sync: 0, admission: 0, refresh: 0 }
  let interruptions = 0
  let resumptions = 0
  let gaveUp = 0
  let rests = 0
  let quiet = true

  const machine = connectionMachine.provide({
    actors: {
      transport: fromCallback<TransportCommand, TransportInput>(({ input: attempt, sendBack, receive }) => {
        sendBack(choiceOf(attempt, input, clock.now()))
        const link: FakeLink = { opened: false, ended: false, stopped: false, tell: sendBack }
        links.push(link)
        receive(({ type }) => {
          if (type === 'CLOSE' && links.length % 2 === 0) sendBack({ type: 'transport.closed' })
        })
        return () => void (link.stopped = true)
      }),
      refreshToken: fromPromise<RefreshedCredentials, { reason: RefreshReason }>(({ signal }) => {
        running.refresh++
        signal.addEventListener('abort', () => running.refresh--, { once: true })
        return new Promise<RefreshedCredentials>((resolve, reject) => {
          const over = () => void (signal.aborted || running.refresh--)
          tokens.push({
            resolve: (value) => {
              over()
              resolve(value)
            },
            reject: (error) => {
              over()
              reject(error)
            },
          })
        })
      }),
      admission: fromCallback(({ sendBack }) => {
        running.admission++
        admissions.push(() => sendBack({ type: 'admission.granted' }))
        return () => void running.admission--
      }),
      subscriptions: subscriptionsMachine.provide({
        actors: {
          sync: fromCallback<AnyEventObject, SyncInput>(({ sendBack, receive, self }) => {
            const round = { over: false }
            const end = () => {
              if (!round.over) running.sync--
              round.over = true
            }
            running.sync++
            // What is thrown here is the actor's own error.
            receive(() => {
              end()
              throw new Error('broken')
            })
            syncs.push({ tell: sendBack, break: () => void (round.over || self.send({ type: 'break' })) })
            return end
          }),
        },
      }),
      periodicRequest: periodicRequestMachine,
    },
    actions: {
      // As a client's session does.
      prove: ({ self }) => self.send({ type: 'transport.proven' }),
      askQuiet: ({ self }) => self.send({ type: quiet ? 'session.quiet' : 'session.busy' }),
    },
  })
  // Different numbers, so that a replay which takes the wrong one shows it.
  let draws = 0
  const random = () => 0.4 + (draws++ % 200) / 1_000
  const recorded = recordedMachine(machine, { ...input, now: clock.now, random }, clock)
  const actor = createActor(recorded.machine, { clock, input: recorded.input })
  actor.on('connectionInterrupted', () => void interruptions++)
  actor.on('connectionResumed', () => void resumptions++)
  actor.on('gaveUp', () => void gaveUp++)
  // A step may lead into `failed` and out of it again, so each snapshot is looked at.
  let before: ReturnType<typeof actor.getSnapshot> | undefined
  actor.subscribe({
    next: (snapshot) => {
      if (rested(snapshot) && before?.value !== 'failed') rests++
      before = snapshot
    },
    error: (error) => errors.push(error),
  })
  actor.start()

  return {
    clock,
    actor,
    links,
    errors,
    running,
    get recording() {
      return recorded.recording
    },
    get told() {
      return { interruptions, resumptions, gaveUp }
    },
    /** How often the machine stayed in `failed`. */
    get rests() {
      return rests
    },
    async take(now: Step) {
      const current = links.at(-1)
      switch (now.do) {
        case 'command':
          actor.send({ type: now.type })
          break
        case 'start':
          actor.send({
            type: 'PERIODIC.START',
            schedule: { id: now.id, interval: 1_000, jitter: 0, responseTimeout: null },
          })
          break
        case 'stop':
          actor.send({ type: 'PERIODIC.STOP', id: now.id })
          break
        case 'open':
          if (!current || current.ended || current.opened) break
          current.opened = true
          current.tell({
            type: 'transport.opened',
            sessionPresent: now.sessionPresent,
            reauthenticates: now.reauthenticates,
          })
          break
        case 'reauthenticated':
          current?.tell({ type: 'transport.reauthenticated' })
          break
        case 'fail': {
          // Late reports of an ended connection must have no effect.
          const link = now.late ? links.at(-2) : current
          if (!link || link.ended) break
          link.ended = true
          link.tell({ type: 'transport.failed', failure: now.failure })
          break
        }
        case 'closed':
          current?.tell({ type: 'transport.closed' })
          break
        case 'admit':
          admissions.at(-1)?.()
          break
        case 'traffic':
          quiet = now.quiet
          break
        case 'sync':
          tellSync(syncs.at(-1), now.how)
          break
        case 'token':
          tellToken(tokens.shift(), now.how, clock.now())
          break
        case 'pass':
          clock.tick(now.ms)
      }
      // Promises of the credentials source settle; no time passes.
      for (let n = 0; n < 4; n++) await Promise.resolve()
    },
  }
}

const listed = ['a', 'b', 'c'].map((server, priority) => ({ server, priority, weight: 1 }))

/** Chooses a server as the transport of a client does. */
function choiceOf({ server, servers, replaces }: TransportInput, { failover }: ConnectionInput, now: number) {
  const picked = pickServer(knownServers(listed, servers), {
    policy: { ...defaultFailover, ...failover },
    index: server.index,
    current: server.current,
    leavesFor: replaces ? 'better' : 'cooling',
    now,
    random: () => 0.5,
  })
  const current = picked.server.server
  return { type: 'server.chosen', current, address: `mqtt://${current}:1883`, moved: false, servers: picked.servers }
}

function tellSync(sync: FakeSync | undefined, how: Extract<Step, { do: 'sync' }>['how']): void {
  const none = { refused: 0, retryable: 0, suspended: 0 }
  const one = { ...none, refused: 1, retryable: 1 }
  if (how === 'progress') sync?.tell({ type: 'sync.progress', done: 1, total: 2 })
  else if (how === 'settled') sync?.tell({ type: 'sync.settled', wanted: 2, held: 2, ...none })
  else if (how === 'refused') sync?.tell({ type: 'sync.settled', wanted: 2, held: 1, ...one })
  else sync?.break()
}

function tellToken(
  token: { resolve(value: RefreshedCredentials): void; reject(error: Error): void } | undefined,
  how: Extract<Step, { do: 'token' }>['how'],
  now: number,
): void {
  if (how === 'granted') token?.resolve({ expiresAt: now + 3_600_000 })
  else if (how === 'expired') token?.resolve({ expiresAt: now - 1 })
  else if (how === 'failed') token?.reject(new Error('unreachable'))
  else token?.reject(Object.assign(new Error('wrong'), { name: 'InvalidCredentialsError' }))
}

type World = ReturnType<typeof world>

/**
 * What holds after each step, whatever happened. Node's `assert`, because these run some hundred thousand times, and
 * `expect` costs more than the step.
 */
function check(w: World): void {
  const snapshot = w.actor.getSnapshot()
  const { context } = snapshot
  const state = stateOf(snapshot)
  assert.deepEqual(w.errors, [], 'the machine never errs')
  assert.equal(snapshot.status, 'active')

  const live = w.links.filter(({ stopped }) => !stopped)
  assert(live.length <= 1, 'at most one transport')
  assert.equal(context.transport, live.length === 1, 'the machine knows whether there is one')
  assert(w.running.admission <= 1, 'at most one admission')
  assert.equal(context.admission === 'none', w.running.admission === 0, 'and only while connecting')
  assert(w.running.sync <= 1, 'at most one SUBSCRIBE round')
  assert.equal(w.running.refresh > 0, state === 'refreshingToken', 'credentials are asked for in refreshingToken only')
  assert(w.running.refresh <= 1, 'and never twice at a time')

  const online = snapshot.hasTag('online')
  if (state !== 'disconnecting') assert.equal(online, context.openedAt !== null, 'online means open')
  if (online) assert(live[0]?.opened && !live[0].ended, 'its transport is open')
  assert.equal(snapshot.hasTag('waiting'), context.retryAt !== null, 'a time is told exactly while waiting')

  const { reconnect, recovery, redirect } = context.config
  assert(context.attempt <= (reconnect.enabled ? reconnect.maxAttempts : 0), 'no attempt too many')
  assert(context.cycle <= (recovery.enabled ? recovery.maxAttempts : 0), 'no cycle too many')
  assert(context.server.hops <= redirect.maxHops, 'no redirect too many')
  assert(!context.failingBack || context.admission !== 'none', 'a fail-back waits for the gate')
  assert(Number.isFinite(context.delay) && context.delay >= 0 && context.delay < 2 ** 31, 'a timer takes the delay')

  // `failed` may be about to recover: that takes a timer of 0 ms.
  if (state === 'idle' || state === 'disconnected') assert.equal(w.clock.pending, 0, 'no timer while resting')
  if (['connecting', 'reconnecting', 'recovering', 'refreshingToken', 'disconnecting'].includes(state)) {
    assert(w.clock.pending > 0, 'every other state ends by itself')
  }
  assert(
    context.periodic.every((id) => id in snapshot.children),
    'periodic requests have their actors',
  )
  assert(w.told.resumptions <= w.told.interruptions, 'only what was interrupted resumes')
  assert.equal(context.counters.interruptions, w.told.interruptions, 'each interruption is told once')
  assert.equal(w.told.gaveUp, w.rests, 'that it gave up is told once, and each time')
}

test(
  `the machine keeps its promises through ${STEPS.toLocaleString('en')} random steps`,
  { timeout: 180_000 },
  async () => {
    let steps = 0
    await fc.assert(
      fc.asyncProperty(
        config,
        fc.array(step, { minLength: 1, maxLength: LONGEST, size: 'max' }),
        async (input, path) => {
          const w = world(input)
          try {
            check(w)
            for (const each of path) {
              await w.take(each)
              steps++
              check(w)
            }
            w.actor.send({ type: 'DISCONNECT' })
            w.clock.tick(5_000)
            expect(['idle', 'disconnected']).toContain(stateOf(w.actor.getSnapshot()))
            check(w)
          } finally {
            w.actor.stop()
          }
          expect(w.clock.pending, 'a stopped machine leaves no timer').toBe(0)
          const replayed = w.recording && checkRecording(w.recording)
          assert.equal(replayed?.difference, undefined, 'its recording replays to the same states')
        },
      ),
      { numRuns: RUNS },
    )
    // Not fewer by chance, whatever the seed.
    expect(steps).toBeGreaterThan(STEPS / 2)
  },
)
