import { describe, expect, onTestFinished, test } from 'vitest'
import { createActor, fromPromise } from 'xstate'

import type { RefreshedCredentials, RefreshReason } from '../../machines/connection/types.ts'
import { connectionMachine } from '../../machines/index.ts'
import { seeded } from '../../measure/lab/seeded.ts'
import { createFakeTransport } from '../../testing/fake-transport.ts'
import { createTestClock } from '../../testing/test-clock.ts'
import { hours, minutes, machineScene, seconds, settle, START, type TokenRequest } from '../support/machine-scene.ts'

const RENEWALS = 20
const days = (n: number) => n * hours(24)

interface Timing {
  readonly lifetime: number
  /** The initialDelay of the reconnect tier, in milliseconds. */
  readonly initialDelay: number
  /** The latency of the credentials source, in milliseconds. */
  readonly latency: number
  /** How much too early the host's timers fire by the wall clock, in milliseconds. */
  readonly early: number
}

const lifetimes = [
  seconds(1),
  seconds(2),
  seconds(14),
  seconds(59),
  minutes(5),
  minutes(50),
  hours(1),
  days(1),
  days(90),
]
const timings: Timing[] = lifetimes
  .flatMap((lifetime) => [seconds(1), seconds(5)].map((initialDelay) => ({ lifetime, initialDelay })))
  // A token whose lifetime is below a backoff is due again at once.
  .filter(({ lifetime, initialDelay }) => lifetime >= initialDelay)
  .flatMap((timing) => [
    { ...timing, latency: 0, early: 0 },
    { ...timing, latency: 0, early: 1 },
    { ...timing, latency: timing.lifetime > timing.initialDelay ? 37 : 0, early: 0 },
  ])

describe('renewals that succeed', () => {
  test.each(timings)(
    'tokens of $lifetime ms, initialDelay $initialDelay ms, latency $latency ms, timers $early ms early',
    async (timing) => {
      const { renewals } = await renew(timing)
      expect(renewals).toHaveLength(RENEWALS)
      for (const { at, expiresAt, lifetime } of renewals) {
        expect(at, 'before the expiry').toBeLessThan(expiresAt)
        expect(at, 'not before refreshBefore').toBeGreaterThanOrEqual(expiresAt - Math.min(lifetime / 10, minutes(5)))
      }
    },
  )
})

describe('with an initialDelay of 0 in the fast tier', () => {
  test.each<[string, (request: TokenRequest, n: number) => void]>([
    ['a source that returns expired tokens', (request) => request.resolve(-1)],
    ['a source whose tokens expire after a millisecond', (request) => request.resolve(1)],
    [
      'a source that fails',
      (request, n) => (n === 1 ? request.resolve(seconds(600)) : request.reject(new Error('down'))),
    ],
  ])('%s is still called after growing delays', async (_, answer) => {
    const s = machineScene({
      input: { canRefresh: true, reconnect: { initialDelay: 0, maxDelay: minutes(1) } },
      refresh: (request) => answer(request, s.tokens.length),
      transport: (connection) => connection.open(),
    })
    s.send('CONNECT')
    await settle()
    for (let n = 0; n < 1_000 && s.tokens.length < 7; n++) {
      s.clock.next()
      await settle()
    }
    const asked = s.tokens.slice(1).map(({ at }) => at)
    const delays = asked.slice(1).map((at, n) => at - asked[n]!)
    expect(asked.length).toBe(6)
    expect(delays[0], 'the first').toBeGreaterThanOrEqual(seconds(1))
    expect(
      delays.map((delay, n) => Math.round(delay / delays[0]!) / 2 ** n),
      'twice as long each time',
    ).toEqual([1, 1, 1, 1, 1])
    expect(s.state).toBe('connected.ready')
  })
})

/** Runs a connection through its renewals, with timers that cut off fractions, as Node's do. */
async function renew({ lifetime, initialDelay, latency, early }: Timing) {
  const clock = createTestClock({ now: START })
  const hostClock = {
    setTimeout: (callback: () => void, ms: number) => clock.setTimeout(callback, Math.max(0, Math.trunc(ms) - early)),
    clearTimeout: (id: unknown) => clock.clearTimeout(id),
  }
  const renewals: { readonly at: number; readonly expiresAt: number; readonly lifetime: number }[] = []
  let token: { readonly expiresAt: number; readonly lifetime: number } | undefined
  const refreshToken = fromPromise<RefreshedCredentials, { reason: RefreshReason }>(
    () =>
      new Promise((resolve) => {
        if (token) renewals.push({ at: clock.now(), ...token })
        // Sources may return fractions of milliseconds.
        const expiresAt = clock.now() + lifetime + 0.7
        const answer = () => {
          token = { expiresAt, lifetime: expiresAt - clock.now() }
          resolve({ expiresAt })
        }
        if (latency === 0) answer()
        else clock.setTimeout(answer, latency)
      }),
  )
  const transport = createFakeTransport((connection) => connection.open())
  const machine = connectionMachine.provide({ actors: { transport: transport.logic, refreshToken } })
  const actor = createActor(machine, {
    clock: hostClock,
    input: { canRefresh: true, now: clock.now, random: seeded(1), reconnect: { initialDelay } },
  })
  onTestFinished(() => void actor.stop())
  actor.start()
  actor.send({ type: 'CONNECT' })
  while (renewals.length < RENEWALS) {
    await settle()
    clock.next()
  }
  return { renewals }
}
