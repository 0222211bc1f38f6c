import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'

import { connectionMachine } from '../../machines/index.ts'
import { commandLine, writable } from '../lab/command-line.ts'
import { explore } from './explore.ts'
import { describe } from './graph.ts'
import { models } from './models.ts'
import { explored, modelTable } from './table.ts'

const USAGE = `npm run model -- [--json FILE]

Visits every state that the connection machine can reach in a few small configurations, and checks what must hold there. Exits
with 1 if something does not hold, and prints the shortest way to it. This takes a minute or two.`

const { json } = commandLine(USAGE, (args) => {
  const { values } = parseArgs({ args, options: { json: { type: 'string' } } })
  return values.json === undefined ? {} : { json: writable('json', values.json) }
})

const results = models.map((model) => {
  const started = performance.now()
  const exploration = explore(connectionMachine, model)
  const { states, steps, violation } = exploration
  const seconds = ((performance.now() - started) / 1_000).toFixed(1)
  console.error(`${model.name}: ${states} states, ${steps} transitions in ${seconds} s`)
  if (violation) {
    console.error(describe(violation))
    process.exit(1)
  }
  return explored(model.name, exploration)
})
console.log(modelTable(results))
if (json !== undefined) writeFileSync(json, `${JSON.stringify(results, null, 2)}\n`)
