import { createActor } from 'xstate'

import type { Failure } from '../../machines/failure.ts'
import { connectionMachine } from '../../machines/index.ts'
import { withRecording } from '../../src/lifecycle/machine-recording.ts'
import { FORMAT, PACKAGE_VERSION, type RecordedLine } from '../../src/recorder/format.ts'
import { MachineRecorder } from '../../src/recorder/machine-recorder.ts'
import { MachineTap } from '../../src/recorder/machine-tap.ts'
import { redactedJson } from '../../src/recorder/redacted-json.ts'
import { createFakeTransport, createTestClock, type FakeConnection, type TestClock } from '../../testing/index.ts'
import { seeded } from './seeded.ts'

const MINUTE = 60_000

const refused: Failure = { kind: 'socket', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 10.0.0.1:8883' }
const unreachable: Failure = { kind: 'socket', code: 'EHOSTUNREACH', message: 'connect EHOSTUNREACH 10.0.2.7:8883' }
const wrongPassword: Failure = { kind: 'refused', reasonCode: 0x86, protocolVersion: 5 }

export interface RecordedFleetOptions {
  readonly count: number
  /** The time of the first step, in milliseconds since 1970. @default 2026-11-28T18:00Z */
  readonly begin?: number
  /** How long all are connected before and between the outages, in milliseconds. @default 10 minutes */
  readonly calm?: number
  /** How long each outage lasts, in milliseconds. @default a minute, and then 4 minutes */
  readonly outages?: readonly number[]
}

/**
 * Simulates a fleet whose broker fails from time to time, with the real machine and transports without sockets, and
 * returns what its clients record. Three quarters of the connections are lost each time, and one in 40 is refused for good.
 */
export function recordedFleet({
  count,
  begin = Date.UTC(2026, 10, 28, 18),
  calm = 10 * MINUTE,
  outages = [MINUTE, 4 * MINUTE],
}: RecordedFleetOptions): string {
  const clock = createTestClock({ now: begin })
  const random = seeded(11)
  const at = new Date(begin).toISOString()
  const header: RecordedLine = { type: 'recording', format: FORMAT, package: PACKAGE_VERSION, run: 'fleet', at }
  const lines = [redactedJson(header)]
  const write = (line: RecordedLine) => void lines.push(redactedJson(line))
  let down = false
  const members = Array.from({ length: count }, (_, index) => start(index))
  for (const { actor } of members) actor.send({ type: 'CONNECT' })
  for (const outage of outages) {
    clock.tick(calm)
    down = true
    for (const { transport, affected } of members) if (affected) transport.current.fail({ kind: 'keepalive' })
    clock.tick(outage)
    down = false
  }
  clock.tick(calm)
  for (const { actor } of members) actor.send({ type: 'DISCONNECT' })
  clock.tick(MINUTE)
  for (const { actor } of members) actor.stop()
  return `${lines.join('\n')}\n`

  function start(index: number) {
    const name = `sensor-${String(index + 1).padStart(3, '0')}`
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
    const tap = tapOf(name, index + 1, clock, random, write)
    const machine = connectionMachine.provide({
      actors: { transport: transport.logic },
      // As a client's session does.
      actions: { prove: ({ self }) => self.send({ type: 'transport.proven' }) },
    })
    const input = { random, now: clock.now, reconnect: { maxAttempts: 7 } }
    const actor = createActor(
      withRecording(machine, () => tap),
      { clock, input: tap.observed(input) },
    ).start()
    return { actor, transport, affected }
  }
}

function tapOf(
  name: string,
  client: number,
  clock: TestClock,
  random: () => number,
  write: (line: RecordedLine) => void,
): MachineTap {
  const recorder = new MachineRecorder(name, { join: () => client, ready: () => 1, write })
  return new MachineTap({
    random,
    now: clock.now,
    clockTime: () => clock.now(),
    onStep: (step) => recorder.record(step),
    onError: (error) => {
      throw error
    },
  })
}
