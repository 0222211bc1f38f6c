import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

import { createJournal } from '../store/journal-on.ts'
import { publication } from '../support/publication.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { cli, run } from './run.ts'

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

describe('doctor', () => {
  test('names a broker that is down, as JSON', async () => {
    const { code, stdout, stderr } = await run(cli, ['doctor', '--json', 'mqtt://localhost:1'])
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' })
    const { findings } = JSON.parse(stdout) as { findings: { code: string }[] }
    expect(findings.map((finding) => finding.code)).toEqual(expect.arrayContaining(['dns.ok', 'tcp.refused']))
  })
})

describe('usage', () => {
  test('reports a wrong command line without a stack trace', async () => {
    const { code, stdout, stderr } = await run(cli, ['demo', '--url', 'mqtt://me:secret@localhost'])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(/^xstate-mqtt demo: a password is never an argument: [^\n]*\nSee xstate-mqtt demo --help\n$/)
  })

  test('lists the commands if none is given', async () => {
    const { code, stdout } = await run(cli)
    expect(code).toBe(2)
    expect(stdout).toMatch(/^ {2}timeline +prints when the attempts and recovery cycles of an outage begin$/m)
  })

  test('--version', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'))
    expect((await run(cli, ['--version'])).stdout).toBe(`${version}\n`)
  })
})
