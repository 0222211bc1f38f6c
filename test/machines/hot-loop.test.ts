import { expect, test } from 'vitest'

import type { Failure } from '../../machines/failure.ts'
import { seeded } from '../../measure/lab/seeded.ts'
import { InvalidCredentialsError, minutes, machineScene, seconds, settle } from '../support/machine-scene.ts'
import { fc } from '../support/property.ts'
import { randomCases } from '../support/repetitions.ts'

/** Half of the initial delay: the minimum of a backoff with `equal` jitter. */
const LEAST = 500
const MAX_HOPS = 3

const codes = fc.constantFrom(
  0x00,
  0x80,
  0x81,
  0x83,
  0x86,
  0x87,
  0x88,
  0x89,
  0x8b,
  0x8d,
  0x8e,
  0x93,
  0x96,
  0x97,
  0x98,
  0x9c,
  0x9d,
  0x9f,
)
const serverReference = fc.constantFrom('other:1883', 'third:1883', '')

const failures: fc.Arbitrary<Failure> = fc.oneof(
  fc.constantFrom<Failure[]>(
    { kind: 'closed' },
    { kind: 'keepalive' },
    { kind: 'socket', code: 'ECONNREFUSED', message: '' },
    { kind: 'tls', message: '' },
    { kind: 'websocket', status: 401, message: '' },
    { kind: 'websocket', status: 503, message: '' },
    { kind: 'timeout', phase: 'probe' },
    { kind: 'protocol', message: '' },
    { kind: 'options', name: 'Error' },
  ),
  fc.record({
    kind: fc.constant('refused' as const),
    protocolVersion: fc.constant(5 as const),
    reasonCode: codes,
    serverReference,
  }),
  fc.record({
    kind: fc.constant('refused' as const),
    protocolVersion: fc.constant(4 as const),
    reasonCode: fc.integer({ min: 1, max: 5 }),
  }),
  fc.record({ kind: fc.constant('disconnected' as const), reasonCode: codes, serverReference }),
)

const commands = fc.constantFrom('RETRY', 'WAKE', 'RECOVER', 'DROP', 'CONNECT', 'DISCONNECT' as const)

/** The next event outside the machine. Times are in milliseconds. */
const happening = fc.oneof(
  { weight: 8, arbitrary: fc.record({ what: fc.constant('fail' as const), failure: failures }) },
  { weight: 6, arbitrary: fc.record({ what: fc.constant('open' as const) }) },
  { weight: 6, arbitrary: fc.record({ what: fc.constant('next' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('wait' as const),
      ms: fc.constantFrom(0, 1, 100, seconds(1), seconds(29), seconds(31), minutes(5)),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      what: fc.constant('token' as const),
      lifetime: fc.constantFrom(null, -1, 0, 50, 999, seconds(1), seconds(5), minutes(10)),
    }),
  },
  { weight: 2, arbitrary: fc.record({ what: fc.constant('no token' as const), fatal: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ what: fc.constant('command' as const), command: commands }) },
)

test.each([true, false])(
  'the defaults make no hot loop, whatever happens (credentials source: %s)',
  async (canRefresh) => {
    await fc.assert(
      fc.asyncProperty(fc.array(happening, { minLength: 5, maxLength: 120 }), fc.integer(), async (story, seed) => {
        const { openings, s, problems } = live(canRefresh, seed)
        s.send('CONNECT')
        for (const event of story) {
          await settle()
          if (event.what === 'fail') s.transport.connections.at(-1)?.fail(event.failure)
          if (event.what === 'open') s.transport.connections.at(-1)?.open()
          if (event.what === 'next') s.clock.next()
          if (event.what === 'wait') s.clock.tick(event.ms)
          if (event.what === 'token') s.tokens.at(-1)?.resolve(event.lifetime)
          if (event.what === 'no token') {
            s.tokens.at(-1)?.reject(event.fatal ? new InvalidCredentialsError() : new TypeError('x'))
          }
          if (event.what === 'command') {
            openings.excused('command')
            s.send(event.command)
          }
          await settle()
        }
        s.actor.stop()
        expect(problems).toEqual([])
        expect(s.errors).toEqual([])
        expect(s.actor.getSnapshot().status).not.toBe('error')
        expect(s.clock.pending).toBe(0)
        expect(s.transport.running).toBe(0)
      }),
      { numRuns: randomCases(80, 400) },
    )
  },
)

test('a server that refuses each connection at once sees no more attempts than the schedule allows', async () => {
  await fc.assert(
    fc.asyncProperty(
      failures,
      fc.boolean(),
      fc.constantFrom(0, 1, seconds(29)),
      fc.integer(),
      async (failure, opens, after, seed) => {
        const { openings, s, problems } = live(true, seed, (connection) => {
          if (opens) connection.open()
          if (after === 0) connection.fail(failure)
        })
        s.send('CONNECT')
        for (let n = 0; n < 150; n++) {
          await settle()
          s.tokens.at(-1)?.resolve(null)
          await settle()
          if (after > 0 && s.transport.running > 0) {
            s.clock.tick(after)
            s.transport.current.fail(failure)
          } else s.clock.next()
        }
        expect(problems).toEqual([])
        // One first attempt, ten attempts, ten cycles, and the redirects that were followed.
        expect(openings.times.length).toBeLessThanOrEqual(21 + s.context.counters.redirects)
        expect(s.state).toBe('failed')
        s.actor.stop()
      },
    ),
    { numRuns: randomCases(30, 150) },
  )
})

/** A machine with default policies that records each action that comes too soon. */
function live(
  canRefresh: boolean,
  seed: number,
  script: NonNullable<Parameters<typeof machineScene>[0]>['transport'] = () => {},
) {
  const problems: string[] = []
  const times: number[] = []
  let excuse: string | null = null
  let hops = 0
  const openings = {
    times,
    excused: (why: string) => {
      excuse = why
      hops = 0
    },
  }
  const s = machineScene({
    input: { canRefresh, random: seeded(seed), redirect: { allow: () => true } },
    transport: (connection) => {
      if (s.transport.running > 1) problems.push(`${s.transport.running} connections at once`)
      const previous = times.at(-1)
      const gap = previous === undefined ? Number.POSITIVE_INFINITY : s.time - previous
      const redirected = connection.input.server.redirect !== null && connection.input.server.hops > 0
      if (gap < LEAST && redirected && excuse === null) {
        hops++
        if (hops > MAX_HOPS) problems.push(`${hops} redirects in a row`)
      } else if (gap < LEAST && excuse === null) problems.push(`opened ${gap} ms after the one before`)
      excuse = null
      times.push(s.time)
      script(connection)
    },
  })
  // Proven credentials that are refused are refreshed at once: a first refresh is not a loop.
  let proven = false
  let obtainedAt = Number.NEGATIVE_INFINITY
  s.actor.on('tokenRefreshed', ({ reason }) => {
    if (reason === 'refused' && proven) excuse ??= 'first refresh'
    // The lifetimes of tokens pace renewals, whenever the connection opened.
    if (reason === 'expiring' && s.time - obtainedAt >= 0.9 * seconds(1)) excuse ??= 'planned renewal'
    obtainedAt = s.time
    proven = false
  })
  s.actor.subscribe(({ context }) => {
    if (context.attempt > 10) problems.push(`attempt ${context.attempt}`)
    if (context.cycle > 10) problems.push(`cycle ${context.cycle}`)
    if (context.server.hops === 0) hops = 0
    proven ||= context.credentials.status === 'proven'
  })
  return { s, openings, problems }
}
