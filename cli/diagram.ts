import { connectionMachine } from '../machines/connection/machine.ts'
import { listingOf } from '../visualizer/chart/listing.ts'
import { toMermaid, type MermaidOptions } from '../visualizer/chart/mermaid.ts'
import { toSvg } from '../visualizer/chart/svg.ts'
import { defineCommand, oneOf } from './command.ts'
import { print } from './shell.ts'

const options: MermaidOptions = {
  // The names of these decisions in machines/connection/machine.ts.
  decisions: { isFatal: 'decide', needsCredentials: 'attempt' },
  notes: ['RECOVER'],
}

/** The diagram of the connection machine, as docs/machine.md shows it. */
export function connectionDiagram(): string {
  return toMermaid(connectionMachine, options)
}

const formats = {
  mermaid: connectionDiagram,
  svg: () => toSvg(connectionMachine).trimEnd(),
  json: () => JSON.stringify(listingOf(connectionMachine), null, 2),
}

export const diagram = defineCommand({
  options: {
    format: { type: 'string', value: '<format>', description: 'mermaid (the default), svg or json' },
  },
  run({ format = 'mermaid' }, _operands, shell) {
    print(shell, formats[oneOf('--format', format, Object.keys(formats) as (keyof typeof formats)[])]())
    return 0
  },
})
