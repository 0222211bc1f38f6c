import { createActor, fromPromise } from 'xstate'

import type { RefreshedCredentials, RefreshReason } from '../../machines/connection/types.ts'
import { connectionMachine } from '../../machines/index.ts'
import { redactedJson } from '../../src/recorder/redacted-json.ts'
import { createFakeTransport, createTestClock } from '../../testing/index.ts'
import { recordedMachine } from './recorded-machine.ts'

/** A recording of an outage: a connection of two minutes, its loss, an attempt that is refused, and one that succeeds. */
export async function outage(): Promise<string> {
  const clock = createTestClock({ now: Date.UTC(2026, 10, 28, 18) })
  const transport = createFakeTransport()
  const machine = connectionMachine.provide({
    actors: {
      transport: transport.logic,
      refreshToken: fromPromise<RefreshedCredentials, { reason: RefreshReason }>(() =>
        Promise.resolve({ expiresAt: clock.now() + 3_600_000 }),
      ),
    },
    // As a client's session does.
    actions: { prove: ({ self }) => self.send({ type: 'transport.proven' }) },
  })
  const recorded = recordedMachine(machine, { canRefresh: true, now: clock.now, random: () => 0.5 }, clock)
  const actor = createActor(recorded.machine, { clock, input: recorded.input })
  actor.start()
  actor.send({ type: 'CONNECT' })
  await clock.tickAsync(5)
  transport.current.open()
  await clock.tickAsync(120_000)
  transport.current.fail({ kind: 'keepalive' })
  await clock.tickAsync(750)
  transport.current.fail({ kind: 'socket', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 10.0.0.1:1883' })
  await clock.tickAsync(1_500)
  transport.current.open()
  await clock.tickAsync(60_000)
  actor.send({ type: 'DISCONNECT' })
  await clock.tickAsync(5_000)
  actor.stop()
  return `${recorded.lines.map((line) => redactedJson(line)).join('\n')}\n`
}
