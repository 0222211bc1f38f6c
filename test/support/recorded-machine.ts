import type { ConnectionInput } from '../../machines/config.ts'
import type { connectionMachine } from '../../machines/index.ts'
import { withRecording } from '../../src/lifecycle/machine-recording.ts'
import { FORMAT, PACKAGE_VERSION, type RecordedLine } from '../../src/recorder/format.ts'
import { MachineRecorder } from '../../src/recorder/machine-recorder.ts'
import { MachineTap } from '../../src/recorder/machine-tap.ts'
import { redactedJson } from '../../src/recorder/redacted-json.ts'
import { readRecordings, type Recording } from '../../testing/replay/read-recording.ts'

interface Clock {
  now(): number
}

/** A machine whose steps are recorded in memory. */
export function recordedMachine(
  machine: typeof connectionMachine,
  input: ConnectionInput & Required<Pick<ConnectionInput, 'now' | 'random'>>,
  clock: Clock,
) {
  const lines: RecordedLine[] = [
    { type: 'recording', format: FORMAT, package: PACKAGE_VERSION, run: 'test', at: '2024-01-01T00:00:00.000Z' },
  ]
  const recorder = new MachineRecorder('gateway', {
    join: () => 1,
    ready: () => 1,
    write: (line) => void lines.push(line),
  })
  const tap = new MachineTap({
    random: input.random,
    now: input.now,
    clockTime: () => clock.now(),
    onStep: (step) => recorder.record(step),
    onError: (error) => {
      throw error
    },
  })
  return {
    machine: withRecording(machine, () => tap),
    input: tap.observed(input),
    lines,
    /** The recording as it would be read from a file; `undefined` if nothing has happened. */
    get recording(): Recording | undefined {
      const text = lines.map((line) => redactedJson(line)).join('\n')
      return lines.length > 1 ? readRecordings(text).recordings[0] : undefined
    },
  }
}
