import { helpWidth } from '../help.ts'
import type { Output, Style, Terminal } from '../terminal.ts'
import { wrap } from '../wrap.ts'
import { type Advice, asObject, render } from './advice.ts'
import type { Diagnosis } from './examination.ts'
import { checks, type Finding, type Level } from './finding.ts'
import { measurementsOf } from './observed.ts'
import { exitCodes, verdictInWords, verdictOf } from './verdict.ts'

const marks: Readonly<Record<Level, readonly [mark: string, style: Style]>> = {
  ok: ['✓', 'green'],
  note: ['·', 'dim'],
  warning: ['!', 'yellow'],
  fault: ['✕', 'red'],
}

const TITLE = Math.max(...Object.values(checks).map(({ length }) => length)) + 2
/** Below this width, a column for the titles leaves too little for the sentences. */
const NARROW = 50

export interface Conclusion {
  readonly advice: readonly Advice[]
  readonly hints: readonly string[]
}

/** Prints a finding. On a terminal it is wrapped; in a pipe each sentence is one line. */
export function printFinding(terminal: Terminal, output: Output, finding: Finding): void {
  const { check, level, text } = finding
  const [mark, style] = marks[level]
  const isNarrow = output.isTTY === true && helpWidth(output) < NARROW
  const indent = isNarrow ? 2 : 2 + TITLE
  const [first = '', ...others] = lines(output, text, indent)
  const title = isNarrow ? '' : checks[check].padEnd(TITLE)
  terminal.whole(`${terminal.paint(style, mark)} ${terminal.paint('dim', title)}${first}`)
  for (const line of others) terminal.whole(' '.repeat(indent) + line)
  if (!('remedy' in finding)) return
  for (const [index, line] of lines(output, finding.remedy, indent + 2).entries()) {
    terminal.whole(' '.repeat(indent) + (index === 0 ? '→ ' : '  ') + line)
  }
}

/** Prints what follows from the findings. */
export function printConclusion(
  terminal: Terminal,
  output: Output,
  diagnosis: Diagnosis,
  conclusion: Conclusion,
): void {
  const { notChecked } = diagnosis
  const verdict = verdictOf(diagnosis)
  if (notChecked.length > 0) {
    const why = verdict === 'faults' ? 'because of that' : 'as there was no time'
    const text = `Not checked, ${why}: ${notChecked.map((check) => checks[check]).join(', ')}.`
    for (const line of lines(output, text, 0)) terminal.whole(terminal.paint('dim', line))
  }
  const isPartial = verdict === 'faults' || verdict === 'interrupted'
  const heading = isPartial ? 'For the client, as far as it is known:' : 'For the client:'
  terminal.whole('')
  for (const line of [
    heading,
    '',
    ...render(conclusion.advice, conclusion.hints).map((each) => each && `  ${each}`),
    '',
  ]) {
    terminal.whole(line)
  }
  const style: Readonly<Record<typeof verdict, Style>> = {
    well: 'green',
    warnings: 'yellow',
    faults: 'red',
    interrupted: 'yellow',
  }
  terminal.whole(terminal.paint(['bold', style[verdict]] as Style, verdictInWords(diagnosis)))
}

/** The document of `--json`. */
export function asJson(url: string, diagnosis: Diagnosis, { advice, hints }: Conclusion): string {
  const { findings, notChecked, observed } = diagnosis
  const verdict = verdictOf(diagnosis)
  const document = {
    format: 1,
    url,
    verdict,
    exitCode: exitCodes[verdict],
    findings,
    notChecked,
    client: asObject(advice),
    hints,
    measured: measurementsOf(observed),
  }
  return JSON.stringify(document, null, 2)
}

function lines(output: Output, text: string, indent: number): readonly string[] {
  return output.isTTY === true ? wrap(text, Math.max(20, helpWidth(output) - indent)) : [text]
}
