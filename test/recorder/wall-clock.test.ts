import { expect, test } from 'vitest'
import { createActor } from 'xstate'

import { testSource } from '../../cli/replay/test-source.ts'
import { connectionMachine } from '../../machines/index.ts'
import { createFakeTransport, createTestClock } from '../../testing/index.ts'
import { checkRecording } from '../../testing/replay/check-recording.ts'
import { recordedMachine } from '../support/recorded-machine.ts'

const HOUR = 3_600_000

test.each([
  ['forward by an hour', HOUR],
  ['back by an hour', -HOUR],
  ['back by 11 ms', -11],
  ['forward by 1 ms', 1],
])('the wall clock is set %s in the middle of an outage', async (_name, jump) => {
  const clock = createTestClock({ now: Date.UTC(2026, 0, 1) })
  let offset = 0
  const now = () => clock.now() + offset
  const transport = createFakeTransport()
  const machine = connectionMachine.provide({
    actors: { transport: transport.logic },
    // As a client's session does.
    actions: { prove: ({ self }) => self.send({ type: 'transport.proven' }) },
  })
  const recorded = recordedMachine(machine, { now, random: () => 0.5 }, clock)
  const actor = createActor(recorded.machine, { clock, input: recorded.input }).start()
  actor.send({ type: 'CONNECT' })
  await clock.tickAsync(100)
  transport.current.open()
  await clock.tickAsync(5_000)
  offset = jump
  transport.current.fail()
  await clock.tickAsync(750)
  transport.current.open()
  await clock.tickAsync(40_000)
  actor.stop()

  const recording = recorded.recording ?? expect.fail()
  expect(checkRecording(recording)).toEqual({ steps: expect.any(Number), skipped: 0 })
  const times = recording.lines.flatMap((line) => ('t' in line ? [line.t] : []))
  expect(times, 'the recorded time never goes back').toEqual(times.toSorted((a, b) => a - b))
  expect(times.at(-1), 'and is that of the machine').toBeGreaterThan(45_800)
  expect(times.at(-1)).toBeLessThan(45_900)
  const isTold = testSource([recording], 'a.jsonl').includes('machine.setWallClock(5100, Date.parse(')
  expect(isTold).toBe(Math.abs(jump) > 10)
})
