import type { connectionMachine } from '../../machines/connection/machine.ts'
import type { Checkpoint, Step } from '../../src/recorder/format.ts'
import { redactedJson } from '../../src/recorder/redacted-json.ts'
import { inWords } from './in-words.ts'
import type { Recording } from './read-recording.ts'
import { Replayer, type Taken } from './replayer.ts'

/** The first difference between a recording and what the machine does with the same inputs. */
export interface Difference {
  /** When, in milliseconds since the recording of the client began. */
  readonly t: number
  /** The steps before it on which both agree, the last ones only, and the one that differs. */
  readonly steps: readonly Step[]
  /** What differs, line by line. */
  readonly recorded: readonly string[]
  readonly replayed: readonly string[]
}

export interface CheckResult {
  /** How many steps were checked. */
  readonly steps: number
  /** How many were left out, because lines before them are missing. */
  readonly skipped: number
  readonly difference?: Difference
}

/** How many steps before a difference are shown. */
const SHOWN = 5

/**
 * Runs the connection machine over the inputs of a recording, and compares states, delays, commands, events, and at each
 * checkpoint everything else, up to the first difference.
 *
 * @param machine - for tests: a machine that differs from the package's
 */
export function checkRecording({ lines }: Recording, machine?: typeof connectionMachine): CheckResult {
  let replayer: Replayer | undefined
  let steps = 0
  let skipped = 0
  const agreed: Step[] = []
  for (const line of lines) {
    switch (line.type) {
      case 'checkpoint': {
        const difference = replayer && compareWhole(line, replayer, agreed)
        if (difference) return { steps, skipped, difference }
        replayer = new Replayer(line, machine)
        break
      }
      case 'step': {
        if (!replayer) {
          skipped++
          break
        }
        steps++
        const difference = compareStep(line, replayer, agreed)
        if (difference) return { steps, skipped, difference }
        agreed.push(line)
        break
      }
      // A replay cannot repeat the error that ended the machine. It goes on with the machine that took its place.
      case 'broken':
      case 'stopped':
      case 'gap':
        replayer = undefined
    }
  }
  return { steps, skipped }
}

function compareStep(step: Step, replayer: Replayer, agreed: readonly Step[]): Difference | undefined {
  const recorded = inWords({ state: step.state, does: step.does ?? [] })
  const replayed = takenInWords(step, replayer)
  return differenceOf(step.t, recorded, replayed, [...agreed.slice(-SHOWN), step])
}

function takenInWords(step: Step, replayer: Replayer): string[] {
  try {
    // The recording is redacted, too.
    const { state, does } = replayer.take(step)
    return inWords(JSON.parse(redactedJson({ state, does })) as Pick<Taken, 'state' | 'does'>)
  } catch (error) {
    return [`${replayer.state}: ${error instanceof Error ? error.message : String(error)}`]
  }
}

/** Compares everything that the machine knows. Properties that the recording lacks are new in this version. */
function compareWhole(
  { t, state, context, timers }: Checkpoint,
  replayer: Replayer,
  agreed: readonly Step[],
): Difference | undefined {
  const { config: _, ...replayedContext } = replayer.context
  const whole = JSON.parse(redactedJson({ context: replayedContext, timers: replayer.timers })) as {
    readonly context: Record<string, unknown>
    readonly timers: unknown
  }
  const recorded = { state, timers, ...context }
  const replayed: Record<string, unknown> = { state: replayer.state, timers: whole.timers, ...whole.context }
  const differing = Object.entries(recorded).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(replayed[name]),
  )
  const lines = (of: (name: string) => unknown) => differing.map(([name]) => `${name} ${JSON.stringify(of(name))}`)
  return differenceOf(
    t,
    lines((name) => recorded[name as keyof typeof recorded]),
    lines((name) => replayed[name]),
    agreed.slice(-SHOWN),
  )
}

function differenceOf(
  t: number,
  recorded: readonly string[],
  replayed: readonly string[],
  steps: readonly Step[],
): Difference | undefined {
  const isSame = recorded.length === replayed.length && recorded.every((line, index) => line === replayed[index])
  return isSame ? undefined : { t, steps, recorded, replayed }
}
