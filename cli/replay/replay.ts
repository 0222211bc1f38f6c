import { existsSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'

import { defineCommand, UsageError } from '../command.ts'
import { print, printError } from '../shell.ts'
import { Terminal } from '../terminal.ts'
import { check } from './check.ts'
import { chosen, loadRecordings } from './load.ts'
import { within } from './period.ts'
import { tellStory } from './story.ts'
import { testSource } from './test-source.ts'

export const replay = defineCommand({
  operands: '<file>',
  options: {
    client: { type: 'string', value: '<name>', description: 'only the client with this name (all clients)' },
    from: {
      type: 'string',
      value: '<time>',
      description: 'only from this time on, in UTC: 18:05, or 2026-11-28T18:05',
    },
    until: { type: 'string', value: '<time>', description: 'only until this time' },
    check: {
      type: 'boolean',
      description: 'runs the machine of this version over the recorded inputs, and shows the first difference',
    },
    'to-test': { type: 'string', value: '<test.ts>', description: 'writes a vitest test that repeats it' },
    force: { type: 'boolean', description: 'replaces a test that exists' },
  },
  notes: [
    'If there is a file with the same name and .1 at its end, which is the part before it, both are read.',
    '',
    'Exit codes: 0: done, and with --check no difference. 1: the file is not a recording, or with --check there is a',
    'difference. 2: the command line is wrong.',
  ].join('\n'),
  run({ client, from, until, check: checks, force = false, 'to-test': test }, operands, shell) {
    const [file, ...rest] = operands
    if (file === undefined || file === '') throw new UsageError('replay needs the file of a recording')
    if (rest.length > 0) throw new UsageError(`Unexpected argument '${rest[0]}'`)
    if (checks && test !== undefined) throw new UsageError('--check and --to-test exclude each other')
    if (test === '') throw new UsageError("--to-test must be the path of a file, got ''")
    const read = loadRecordings(file)
    const recordings = within(chosen(read, client), { from, until })
    if (read.unreadable > 0) printError(shell, `Lines that could not be read: ${read.unreadable}`)
    if (test !== undefined) {
      if (existsSync(test) && !force) throw new UsageError(`${test} exists: --force replaces it`)
      writeFileSync(test, testSource(recordings, basename(file)))
      print(shell, `Written to: ${test}. Run it with: npx vitest run ${test}`)
      return 0
    }
    const terminal = new Terminal(shell.stdout)
    if (checks) return check(terminal, recordings) ? 0 : 1
    for (const [index, recording] of recordings.entries()) {
      if (index > 0) terminal.line()
      tellStory(terminal, recording)
    }
    return 0
  },
})
