import { createActor, type Actor, type InspectionEvent } from 'xstate'

import type { Failure } from '../../machines/failure.ts'
import { connectionMachine } from '../../machines/index.ts'
import { createFakeTransport, createTestClock, type FakeConnection } from '../../testing/index.ts'
import { seeded } from './seeded.ts'

const MINUTE = 60_000
const SECOND = 1_000

const refused: Failure = { kind: 'socket', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 10.0.0.1:8883' }
const unreachable: Failure = { kind: 'socket', code: 'EHOSTUNREACH', message: 'connect EHOSTUNREACH 10.0.2.7:8883' }
const wrongPassword: Failure = { kind: 'refused', reasonCode: 0x86, protocolVersion: 5 }

export interface FleetOutageOptions {
  readonly inspect: (event: InspectionEvent) => void
  readonly count: number
  /** How long all of them are connected at first, in milliseconds. @default an hour */
  readonly calm?: number
  /** How long the outage lasts, in milliseconds; 0 for none. @default 5 minutes */
  readonly outage?: number
  /** Called after each simulated second of the outage. */
  readonly onSecond?: () => Promise<void> | void
}

/**
 * Simulates a fleet whose broker fails, with the real machine and transports without sockets: three quarters of the
 * connections lose it, some of them are refused for good, and the others go on with other brokers. It ends now, in the
 * middle of the outage.
 */
export async function fleetOutage({
  inspect,
  count,
  calm = 60 * MINUTE,
  outage = 5 * MINUTE,
  onSecond,
}: FleetOutageOptions): Promise<readonly Actor<typeof connectionMachine>[]> {
  const clock = createTestClock({ now: Date.now() - calm - outage })
  const realNow = Date.now
  const random = seeded(11)
  let down = false
  // The inspector records the time of day.
  Date.now = clock.now
  try {
    const members = Array.from({ length: count }, (_, index) => start(index))
    for (const { actor } of members) actor.send({ type: 'CONNECT' })
    clock.tick(calm)
    if (outage > 0) {
      down = true
      for (const { transport, affected } of members) if (affected) transport.current.fail({ kind: 'keepalive' })
      for (let passed = 0; passed < outage; passed += SECOND) {
        clock.tick(SECOND)
        await onSecond?.()
      }
    }
    return members.map(({ actor }) => actor)
  } finally {
    Date.now = realNow
  }

  function start(index: number) {
    const affected = index % 4 !== 3
    const failure = index % 3 === 0 ? unreachable : refused
    const answer = (connection: FakeConnection) => {
      if (connection.stopped) return
      if (!down || !affected) connection.open(true)
      else connection.fail(index % 40 === 5 ? wrongPassword : failure)
    }
    const transport = createFakeTransport((connection) =>
      clock.setTimeout(() => answer(connection), 40 + random() * 400),
    )
    const machine = connectionMachine.provide({ actors: { transport: transport.logic } })
    const actor = createActor(machine, {
      id: `sensor-${String(index + 1).padStart(3, '0')}`,
      clock,
      inspect,
      input: { random, now: clock.now, reconnect: { maxAttempts: 7 } },
    }).start()
    return { actor, transport, affected }
  }
}
