import type { Checkpoint, Step } from '../../src/recorder/format.ts'
import { createReplay } from '../../testing/replay/create-replay.ts'
import { inWords } from '../../testing/replay/in-words.ts'
import type { Recording } from '../../testing/replay/read-recording.ts'
import { printable } from '../terminal.ts'
import { causeInWords } from './cause.ts'
import { literal } from './literal.ts'
import { segmentsOf, type Segment } from './segments.ts'
import { serverHelper, withShortServers } from './server-source.ts'

/** Writes a vitest test that replays a recording. @param file - the name of the recording, for the comment */
export function testSource(recordings: readonly Recording[], file: string): string {
  const tests = recordings.flatMap((recording) =>
    segmentsOf(recording).map((segment, index) => testOf(recording, segment, index)),
  )
  return [
    `// Written by \`npx xstate-mqtt replay ${printable(file)} --to-test\`. Each step has its time in milliseconds, what the connection machine`,
    '// received, or which of its delays passed, and what followed: the state, and then what the machine did.',
    "import { expect, test } from 'vitest'",
    "import { createReplay } from 'xstate-mqtt/testing'",
    '',
    ...(tests.some((each) => /\bserver\(['"]/.test(each)) ? [serverHelper, ''] : []),
    tests.join('\n\n'),
    '',
  ].join('\n')
}

function testOf({ client, header }: Recording, { first, lines }: Segment, index: number): string {
  const at = new Date(first.now).toISOString()
  const title = `${client}, recorded by ${header.package} at ${at}${index > 0 ? `, part ${index + 1}` : ''}`
  let epoch = first.now - first.t
  const body = lines.flatMap((line) => {
    if (line.type === 'step') return stepSource(line, first, epoch)
    const isSet = line.now - line.t !== epoch
    epoch = line.now - line.t
    return isSet ? [`machine.setWallClock(${line.t - first.t}, ${time(line.now)})`] : []
  })
  const indented = [`const machine = createReplay(${beginning(first)})`, '', ...body]
    .join('\n')
    .replaceAll(/^(?=.)/gm, '  ')
  return `test(${literal(title)}, () => {\n${indented}\n})`
}

function stepSource(step: Step, first: Checkpoint, epoch: number): string[] {
  const { t, event, timer, answers, state, does = [] } = step
  const clock = new Date(epoch + t).toISOString().slice(11, 23)
  const given = [
    number(t - first.t),
    literal(event ? withShortServers(event) : timer),
    ...(answers ? [literal(answers)] : []),
  ]
  const call = `expect(machine.at(${given.join(', ')})).toEqual(`
  return [`// ${clock} ${printable(causeInWords(step))}`, `${call}${literal(inWords({ state, does }))})`]
}

/** What is like in a new machine is left out, except the configuration: its defaults may change. */
function beginning({ now, t, state, config, context, timers, actors }: Checkpoint): string {
  const fresh = createReplay({ config: { canRefresh: config.canRefresh } }).context
  const { config: _, ...initial } = JSON.parse(JSON.stringify(fresh)) as Record<string, unknown>
  const known = Object.entries(context).filter(
    ([name, value]) => JSON.stringify(value) !== JSON.stringify(initial[name]),
  )
  const parts = [
    `now: ${time(now)}`,
    `config: ${literal(config)}`,
    ...(state === 'idle' ? [] : [`state: ${literal(state)}`]),
    ...(known.length > 0 ? [`context: ${literal(Object.fromEntries(known))}`] : []),
    ...(timers.length > 0 ? [`timers: ${literal(timers.map((each) => ({ ...each, t: each.t - t })))}`] : []),
    ...(actors.length > 0 ? [`actors: ${literal(actors)}`] : []),
  ]
  return `{\n${parts.join(',\n').replaceAll(/^(?=.)/gm, '  ')},\n}`
}

function time(milliseconds: number): string {
  return `Date.parse('${new Date(milliseconds).toISOString()}')`
}

function number(value: number): string {
  return literal(value)
}
