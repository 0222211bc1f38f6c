import { expect, test } from 'vitest'
import { fromCallback, type AnyEventObject } from 'xstate'

import type { ConnectionInput } from '../../machines/config.ts'
import type { TransportCommand, TransportInput } from '../../machines/connection/types.ts'
import type { Failure } from '../../machines/failure.ts'
import { IdleTimeouts } from '../../src/mqtt/idle-timeouts.ts'
import { Liveness } from '../../src/mqtt/liveness.ts'
import type { TestClock } from '../../testing/index.ts'
import { hours, machineScene, seconds } from '../support/machine-scene.ts'

/** Something between client and broker that does not like silence. */
interface Way {
  readonly kind: 'proxy' | 'nat'
  /** In milliseconds. */
  readonly timeout: number
}

const ROUND_TRIP = 50

/** Connections over a way: each of them is open at once, and sends nothing but PINGREQ. */
function overWay({ kind, timeout }: Way, keepalive: number, clock: () => TestClock) {
  const learnt: number[] = []
  let idleTimeouts: IdleTimeouts | undefined
  const logic = fromCallback<TransportCommand, TransportInput>(({ sendBack }) => {
    const time = () => clock().now()
    const timers = new Set<unknown>()
    const after = (delay: number, run: () => void) => {
      const timer = clock().setTimeout(() => timers.delete(timer) && run(), delay)
      timers.add(timer)
      return timer
    }
    let passedAt = time()
    let closing: unknown
    let isPinging = false
    const pass = () => {
      passedAt = time()
      clock().clearTimeout(closing)
      if (kind === 'proxy') closing = after(timeout, () => fail({ kind: 'closed' }))
    }
    const fail = (failure: Failure) => {
      const explained = liveness.explained(failure)
      if (liveness.ended(failure)) sendBack({ type: 'transport.blameless' })
      sendBack({ type: 'transport.failed', failure: explained } satisfies AnyEventObject)
    }
    const pingreq = () => {
      liveness.line.sent(2)
      isPinging = true
      if (kind === 'nat' && time() - passedAt >= timeout) return
      pass()
      after(ROUND_TRIP, () => {
        isPinging = false
        pass()
        liveness.heard()
      })
    }
    idleTimeouts ??= new IdleTimeouts(time, ({ silence }) => learnt.push(silence))
    const liveness = new Liveness({ clock: clock(), time, probeTimeout: 5_000 }, idleTimeouts, { pingreq, fail })
    const peer = {
      server: 'mqtt://broker:1883',
      get isPinging() {
        return isPinging
      },
      isAwaitingAnswer: () => isPinging,
    }
    after(ROUND_TRIP, () => {
      pass()
      liveness.heard()
      liveness.accepted(peer, keepalive)
      sendBack({ type: 'transport.opened', sessionPresent: false })
    })
    return () => {
      for (const timer of timers) clock().clearTimeout(timer)
    }
  })
  return { logic, learnt }
}

function flap(way: Way, keepalive: number, input?: ConnectionInput) {
  const world: { clock?: TestClock } = {}
  const { logic, learnt } = overWay(way, keepalive, () => world.clock as TestClock)
  const s = machineScene({ actors: { transport: logic }, ...(input && { input }) })
  world.clock = s.clock
  s.send('CONNECT')
  s.clock.tick(hours(24))
  return { s, learnt, interruptions: s.heard('connectionInterrupted').length }
}

test.each([
  { name: 'HAProxy, 50 s', kind: 'proxy', timeout: 50, keepalive: 60, most: 2 },
  { name: 'nginx, 60 s', kind: 'proxy', timeout: 60, keepalive: 60, most: 2 },
  { name: 'nginx, 60 s, with the default of ws', kind: 'proxy', timeout: 60, keepalive: 50, most: 0 },
  { name: 'a proxy, 10 s', kind: 'proxy', timeout: 10, keepalive: 60, most: 2 },
  { name: 'a proxy, 350 s, keep alive off', kind: 'proxy', timeout: 350, keepalive: 0, most: 2 },
  { name: 'a NAT, 15 s', kind: 'nat', timeout: 15, keepalive: 60, most: 3 },
  { name: 'a NAT, 120 s', kind: 'nat', timeout: 120, keepalive: 300, most: 2 },
] as const)('$name: at most $most interruptions in 24 hours with a keep alive of $keepalive s', (row) => {
  const { s, interruptions } = flap({ kind: row.kind, timeout: seconds(row.timeout) }, seconds(row.keepalive))
  expect(interruptions).toBeLessThanOrEqual(row.most)
  expect(s.state).toBe('connected.ready')
  expect(s.context).toMatchObject({ attempt: 0, cycle: 0 })
})

test('says after how much silence the connection was closed', () => {
  const { s } = flap({ kind: 'proxy', timeout: seconds(50) }, seconds(60))
  expect(s.heard('connectionInterrupted')[0]?.failure).toEqual({ kind: 'closed', silence: 50_000, keepalive: 60_000 })
})

test('never gives up because of such closes, even if one attempt is all there is', () => {
  const { s } = flap({ kind: 'proxy', timeout: seconds(10) }, seconds(60), {
    reconnect: { maxAttempts: 2, initialDelay: 1_000 },
    recovery: { enabled: false },
  })
  expect(s.state).toBe('connected.ready')
})
