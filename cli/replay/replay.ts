import { existsSync, writeFileSync } from 'node:fs'
import { basename } from 'node:path'

import { defineCommand, unexpected, UsageError } from '../command.ts'
import { print, printError } from '../shell.ts'
import { Terminal } from '../terminal.ts'
import { serverOptions } from '../visualizer-server.ts'
import { check } from './check.ts'
import { chosen, loadRecordings } from './load.ts'
import { playOnPage } from './on-page.ts'
import { partOf } from './period.ts'
import { tellStory } from './story.ts'
import { testSource } from './test-source.ts'

export const replay = defineCommand({
  operands: '<file>',
  options: {
    client: { type: 'string', value: '<name>', description: 'only the client with this name (all clients)' },
    from: {
      type: 'string',
      value: '<time>',
      description: 'only from this time on, in UTC: 18:05 of each run, or 2026-11-28T18:05',
    },
    until: { type: 'string', value: '<time>', description: 'only until this time' },
    check: {
      type: 'boolean',
      description: 'runs the machine of this version over the recorded inputs, and shows the first difference',
    },
    'to-test': { type: 'string', value: '<test.ts>', description: 'writes a vitest test that repeats it' },
    force: { type: 'boolean', description: 'replaces a test that exists' },
    visualizer: {
      type: 'boolean',
      description: "serves it on the visualizer's page: to scrub, to play at 1× to 600×, to the next outage",
    },
    ...serverOptions,
    port: { ...serverOptions.port, description: 'with --visualizer: the port to listen on (a free one)' },
  },
  notes: [
    'A recording is a file that the option recorder of a client has written. If there is one with the same name and .1 at its',
    'end, which is the part before it, both are read.',
    '',
    'With --visualizer it prints the address of the page, and runs until Ctrl-C. A page that is open then stays usable.',
    '',
    'Exit codes: 0: done, and with --check no difference. 1: the file is not a recording, or with --check there is a',
    'difference. 2: the command line is wrong.',
  ].join('\n'),
  async run(
    { client, from, until, check: checks, force = false, 'to-test': test, visualizer: shows = false, ...server },
    operands,
    shell,
  ) {
    const [file, ...rest] = operands
    if (file === undefined || file === '') {
      throw new UsageError('the file of the recording is missing: xstate-mqtt replay <file>')
    }
    if (rest[0] !== undefined) throw unexpected(rest[0])
    refuseTogether({ '--check': checks, '--to-test': test !== undefined, '--visualizer': shows })
    const [setting] = Object.keys(server)
    if (setting !== undefined && !shows) throw new UsageError(`--${setting} needs --visualizer`)
    if (test === '') throw new UsageError("--to-test must be the path of a file, got ''")
    const read = loadRecordings(file)
    const { recordings, ...times } = partOf(chosen(read, client), { from, until })
    if (read.unreadable > 0) printError(shell, `Lines that could not be read: ${read.unreadable}`)
    if (test !== undefined) {
      if (existsSync(test) && !force) throw new UsageError(`${test} exists: --force replaces it`)
      writeFileSync(test, testSource(recordings, basename(file)))
      print(shell, `Written to: ${test}. Run it with: npx vitest run ${test}`)
      return 0
    }
    if (shows) {
      await playOnPage(recordings, { file, ...times }, server, shell)
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

/** Each of these says what to do with the recording. */
function refuseTogether(flags: Readonly<Record<string, boolean | undefined>>): void {
  const [one, other] = Object.keys(flags).filter((flag) => flags[flag])
  if (one !== undefined && other !== undefined) throw new UsageError(`${one} and ${other} exclude each other`)
}
