import type { Command, Option } from './command.ts'
import { optionsOf } from './parse-command-line.ts'
import type { Output } from './terminal.ts'
import { wrap } from './wrap.ts'

/** A line longer than this is hard to read. */
const WIDEST = 100
const UNKNOWN_WIDTH = 80
const GAP = 2
/** Of a description below its flag. */
const INDENT = 10

/** The width for the help. Some terminals do not know their width, and report 0; a pipe has none. */
export function helpWidth({ columns }: Pick<Output, 'columns'>): number {
  return Math.min(columns || UNKNOWN_WIDTH, WIDEST)
}

/** The help of a command, from its options. */
export function commandHelp(name: string, summary: string, command: Command, width: number): string {
  const { operands, notes } = command
  const usage = ['xstate-mqtt', name, ...(operands === undefined ? [] : [operands]), '[options]'].join(' ')
  const options = Object.entries(optionsOf(command))
  const groups = new Set(options.map(([, { group }]) => group))
  const sections = [...groups].map((group) => {
    const rows = options
      .filter(([, option]) => option.group === group)
      .map(([flag, option]) => [flagOf(flag, option), option.description] as const)
    return [...(group === undefined ? [] : [`${group}:`]), ...table(rows, width)].join('\n')
  })
  return [
    ...wrap(`xstate-mqtt ${name}: ${summary}`, width),
    '',
    ...wrap(`Usage: ${usage}`, width),
    '',
    sections.join('\n\n'),
    ...(notes === undefined ? [] : ['', ...wrap(notes, width)]),
  ].join('\n')
}

/** Two columns, or descriptions below their names if there is no room for two columns. */
export function table(rows: readonly (readonly [name: string, description: string])[], width: number): string[] {
  const most = Math.floor(width * 0.4)
  const column = Math.max(...rows.map(([name]) => name.length).filter((length) => length <= most), 0)
  const isWide = column > 0 && width >= 50
  const indent = isWide ? GAP + column + GAP : INDENT
  return rows.flatMap(([name, description]) => {
    const lines = wrap(description, width - indent).map((line) => `${' '.repeat(indent)}${line}`)
    const title = `${' '.repeat(GAP)}${name}`
    if (!isWide || name.length > column) return [title, ...lines]
    const [first = '', ...others] = lines
    return [`${title.padEnd(indent)}${first.trimStart()}`.trimEnd(), ...others]
  })
}

function flagOf(name: string, { short, value }: Option): string {
  const letter = short === undefined ? '    ' : `-${short}, `
  return `${letter}--${name}${value === undefined ? '' : ` ${value}`}`
}
