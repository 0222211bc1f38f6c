import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createActor } from 'xstate'

import { connectionMachine } from '../../../machines/index.ts'
import { defaultClient, defaultRecorder } from '../../../src/config/defaults.ts'
import { withRecording } from '../../../src/lifecycle/machine-recording.ts'
import { LazyRecorder } from '../../../src/recorder/lazy-recorder.ts'
import { createFakeTransport } from '../../../testing/fake-transport.ts'

export interface RecorderTask {
  readonly kind: 'recorder'
  /** How many transitions are measured, with and without a recorder. */
  readonly transitions: number
}

/** The transitions per second for which the share of a core is told. */
const RATE = 10

/**
 * Measures what a recorder costs: the CPU time of an outage's transitions with a recorder that writes a file, less that without
 * one. Each line is written before the next transition, as it would be at 10 transitions a second.
 */
export async function recorder({ transitions }: RecorderTask) {
  // The first runs compile the code.
  await outage(transitions / 4, false)
  await outage(transitions / 4, true)
  const without = await outage(transitions, false)
  const recorded = await outage(transitions, true)
  const each = (recorded - without) / transitions
  return { cpu: (each * RATE * 100) / 1_000_000, transition: each }
}

/** Returns the CPU time in microseconds. The machine loses attempt after attempt, and is asked to go on each time. */
async function outage(transitions: number, isRecorded: boolean): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'recorder-'))
  const transport = createFakeTransport()
  const machine = connectionMachine.provide({ actors: { transport: transport.logic } })
  const { now, random } = defaultClient
  const config = { file: join(folder, 'bench.jsonl'), ...defaultRecorder }
  const fail = (error: unknown) => {
    throw error
  }
  const tap = isRecorded
    ? new LazyRecorder(config, 'bench', { now, random, clockTime: () => performance.now(), onError: fail })
    : undefined
  const input = { now, random }
  const actor = createActor(
    withRecording(machine, () => tap),
    { input: tap?.observed(input) ?? input },
  ).start()
  try {
    actor.send({ type: 'CONNECT' })
    await tap?.flush()
    const before = process.cpuUsage()
    for (let n = 0; n < transitions; n += 2) {
      transport.current.fail({ kind: 'socket', code: 'ECONNREFUSED', message: 'connect ECONNREFUSED 10.0.0.1:1883' })
      await turn(tap)
      actor.send({ type: 'RETRY' })
      await turn(tap)
    }
    const { user, system } = process.cpuUsage(before)
    return user + system
  } finally {
    actor.stop()
    await tap?.end()
    rmSync(folder, { recursive: true })
  }
}

async function turn(tap: LazyRecorder | undefined): Promise<void> {
  await new Promise(setImmediate)
  await tap?.flush()
}
