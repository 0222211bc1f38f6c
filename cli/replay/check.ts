import { checkRecording, type CheckResult, type Difference } from '../../testing/replay/check-recording.ts'
import type { Recording } from '../../testing/replay/read-recording.ts'
import { count } from '../count.ts'
import { printable, type Terminal } from '../terminal.ts'
import { causeInWords } from './cause.ts'

/** Replays recordings with the machine of this version, and prints where it takes another way. @returns whether it does not */
export function check(terminal: Terminal, recordings: readonly Recording[]): boolean {
  let isSame = true
  for (const recording of recordings) {
    const result = checkRecording(recording)
    terminal.line(`${terminal.paint('bold', printable(recording.client))}  ${verdict(terminal, recording, result)}`)
    if (result.difference) {
      isSame = false
      printDifference(terminal, result.difference)
    }
  }
  return isSame
}

function verdict(terminal: Terminal, { header }: Recording, { steps, skipped, difference }: CheckResult): string {
  const left = skipped > 0 ? `, ${skipped} left out, because lines before them are missing` : ''
  if (!difference) return `${terminal.paint('green', '✓')} takes the same way for ${count(steps, 'step')}${left}`
  const recorded = `xstate-mqtt ${printable(header.package)} recorded another way`
  return `${terminal.paint('red', '✕')} differs after ${count(steps, 'step')}, at ${difference.t} ms: ${recorded}`
}

/** Both ways, state by state, and then what differs. */
function printDifference(terminal: Terminal, { steps, recorded, replayed }: Difference): void {
  terminal.line()
  const last = steps.at(-1)
  for (const step of steps) {
    const isLast = step === last
    const row = `${String(step.t).padStart(12)} ms  ${printable(step.state).padEnd(24)} ${printable(causeInWords(step))}`
    terminal.line(isLast ? row : terminal.paint('dim', row))
  }
  terminal.line()
  const same = recorded.filter((each) => replayed.includes(each))
  for (const each of same) terminal.line(terminal.paint('dim', `    ${printable(each, 1_000)}`))
  for (const each of recorded) {
    if (!replayed.includes(each)) terminal.line(terminal.paint('red', `  - ${printable(each, 1_000)}`))
  }
  for (const each of replayed) {
    if (!recorded.includes(each)) terminal.line(terminal.paint('green', `  + ${printable(each, 1_000)}`))
  }
  terminal.line()
  terminal.line('- was recorded, + is what this version does.')
}
