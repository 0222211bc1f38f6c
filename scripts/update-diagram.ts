// Writes the diagram of the connection machine into docs/machine.md, between its markers.
import { readFileSync, writeFileSync } from 'node:fs'

import { connectionDiagram } from '../cli/diagram.ts'

const page = new URL('../docs/machine.md', import.meta.url)
const before = readFileSync(page, 'utf8')
const after = before.replace(
  /(<!-- diagram: npm run diagram -->\n)[^]*?(<!-- \/diagram -->)/,
  (_, begin: string, end: string) => `${begin}\n\`\`\`mermaid\n${connectionDiagram()}\n\`\`\`\n\n${end}`,
)
if (!after.includes(connectionDiagram())) throw new Error('docs/machine.md has no markers for the diagram')
writeFileSync(page, after)
console.log(before === after ? 'The diagram is current' : 'The diagram is updated')
