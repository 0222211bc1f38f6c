import { writeFileSync } from 'node:fs'

import { commandLine } from '../lab/command-line.ts'
import { chaosOptions, USAGE } from './options.ts'
import { runChaos } from './run.ts'
import { violationsOf } from './verdict.ts'

const { json, ...options } = commandLine(USAGE, chaosOptions)
const report = await runChaos(options, (line) => console.error(line))
const violations = violationsOf(report)
const result = { day: new Date().toISOString().slice(0, 10), ...report, violations }
console.log(JSON.stringify(result, null, 2))
if (json !== undefined) writeFileSync(json, `${JSON.stringify(result, null, 2)}\n`)
process.exit(violations.length > 0 ? 1 : 0)
