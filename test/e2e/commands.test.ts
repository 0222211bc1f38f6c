import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

import { createJournal } from '../store/journal-on.ts'
import { publication } from '../support/publication.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { cli, run } from './run.ts'

describe('timeline', () => {
  test.each([
    [['--jitter', 'none'], [1, 2, 4, 8, 16, 32, 64, 120, 120, 120], 487],
    [[], [0.75, 1.5, 3, 6, 12, 24, 48, 90, 90, 90], 365.25],
    [
      ['--attempts', '3', '--initial', '500ms', '--multiplier', '3', '--max', '2s', '--jitter', 'none'],
      [0.5, 1.5, 2],
      4,
    ],
  ])('%j as JSON', async (args, seconds, total) => {
    const { reconnect } = JSON.parse((await run(cli, ['timeline', '--json', ...args])).stdout)
    expect(reconnect.rows.map((row: { expected: number }) => row.expected / 1_000)).toEqual(seconds)
    expect(reconnect.total.expected / 1_000).toBe(total)
  })

  test.each([
    [['--jitter', 'none'], / 10 +120 s +120 s +487 s\n +487 s in total/],
    [[], / 10 +120 s +90 s +365 s\n +365 s expected, 487 s without jitter/],
    [['--attempts', '50', '--max', '300s', '--jitter', 'none'], / 50 +300 s +300 s +12,811 s\n +12,811 s in total/],
    [['--attempts', '50', '--max', '5m', '--jitter', 'none'], /12,811 s in total/],
    [['--attempts', '50', '--max', '300000', '--jitter', 'none'], /12,811 s in total/],
    [['--strategy', 'simpleRetry'], /unlimited cycles, 60 s, jitter none: the same client/],
    [['--strategy', 'refreshAndRecreate'], / 2 +60 s +60 s +120 s +new token/],
    [['--attempts', 'Infinity'], /It never gives up: the fast tier has no end/],
  ])('%j', async (args, expected) => {
    const { code, stdout, stderr } = await run(cli, ['timeline', ...args])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toMatch(expected)
  })
})

describe('diagram', () => {
  test('mermaid is the default', async () => {
    const [byDefault, mermaid] = await Promise.all([
      run(cli, ['diagram']),
      run(cli, ['diagram', '--format', 'mermaid']),
    ])
    expect(byDefault.stdout).toBe(mermaid.stdout)
    expect(mermaid.stdout).toMatch(/^stateDiagram-v2\n/)
  })

  test('svg is a picture', async () => {
    expect((await run(cli, ['diagram', '--format', 'svg'])).stdout).toMatch(/^<svg [^]*<\/svg>\n$/)
  })

  test('json has every state with its description', async () => {
    const { states } = JSON.parse((await run(cli, ['diagram', '--format', 'json'])).stdout)
    expect(states).toHaveLength(14)
    expect(states.every(({ description }: { description: string }) => description.length > 0)).toBe(true)
  })
})

describe('store salvage', () => {
  test.each([
    [0, /Undamaged publishes: 20 .*Missing publishes: 0\n.*Damaged records: 0\n/s, () => {}],
    [3, /Undamaged publishes: (?:\d|1\d) .*Missing publishes: (?:[1-9]|1\d|20)\n/s, breakTable],
  ] as const)('ends with %i, and says what it found', async (code, says, damage) => {
    const path = join(temporaryFolder(), 'store')
    await fillStore(path)
    damage(path)
    const salvaged = await run(cli, ['store', 'salvage', path, '--to', `${path}-new`])
    expect(salvaged.stderr).toBe('')
    expect(salvaged.code).toBe(code)
    expect(salvaged.stdout).toMatch(says)
    expect(salvaged.stdout).toContain(`Written to: ${path}-new`)
    const again = await run(cli, ['store', 'salvage', path, '--to', `${path}-new`])
    expect(again).toMatchObject({ code: 1, stdout: '' })
    expect(again.stderr).toContain(`the store ${path}-new contains something else`)
  })
})

/** In a table: what was in the log when it was opened again. */
async function fillStore(path: string): Promise<void> {
  const { journal } = createJournal(path)
  const payload = Buffer.from(Array.from({ length: 1_000 }, (_, n) => (n * n) % 251))
  for (let n = 0; n < 20; n++) await journal.accepted(publication(`t/${n}`, { payload }))
  await journal.close()
  const { journal: next } = createJournal(path)
  await next.open()
  await next.close()
}

function breakTable(path: string): void {
  const file = join(path, readdirSync(path).find((each) => each.endsWith('.ldb')) ?? '')
  const bytes = readFileSync(file)
  bytes[100]! ^= 0x55
  writeFileSync(file, bytes)
}

describe('usage', () => {
  test('reports a wrong command line without a stack trace', async () => {
    const { code, stdout, stderr } = await run(cli, ['demo', '--url', 'mqtt://me:secret@localhost'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^xstate-mqtt demo: A password is never an argument: [^\n]*\nSee xstate-mqtt demo --help\n$/)
  })

  test('lists the commands if none is given', async () => {
    const { code, stdout } = await run(cli)
    expect(code).toBe(2)
    expect(stdout).toMatch(/^ {2}timeline +the times of the attempts/m)
  })

  test('--version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect((await run(cli, ['--version'])).stdout).toBe(`${version}\n`)
  })
})
