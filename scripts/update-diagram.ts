// Writes the diagram of the connection machine into the README, between its markers.
import { readFileSync, writeFileSync } from 'node:fs'

import { connectionDiagram } from '../cli/diagram.ts'

const readme = new URL('../README.md', import.meta.url)
const before = readFileSync(readme, 'utf8')
const after = before.replace(
  /(<!-- diagram: npm run diagram -->\n)[^]*?(<!-- \/diagram -->)/,
  (_, begin: string, end: string) => `${begin}\n\`\`\`mermaid\n${connectionDiagram()}\n\`\`\`\n\n${end}`,
)
if (!after.includes(connectionDiagram())) throw new Error('README.md has no markers for the diagram')
writeFileSync(readme, after)
console.log(before === after ? 'The diagram is current' : 'The diagram is updated')
