import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'

import { literal } from '../../cli/replay/literal.ts'
import { linesOf } from '../../cli/replay/load.ts'
import { serverHelper, withShortServers } from '../../cli/replay/server-source.ts'
import { connectionSetup } from '../../machines/connection/setup.ts'
import { connectionMachine } from '../../machines/index.ts'
import { type createReplay, createReplayOf } from '../../testing/replay/create-replay.ts'
import { inWords } from '../../testing/replay/in-words.ts'
import { outage } from '../support/recorded-outage.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { createShell } from './shell.ts'

async function run(...args: string[]) {
  const shell = createShell()
  const code = await shell.run('replay', ...args)
  return { code, stdout: shell.stdout(), stderr: shell.stderr() }
}

async function recordingFile(change: (text: string) => string = (text) => text): Promise<string> {
  const file = join(temporaryFolder(), 'outage.jsonl')
  writeFileSync(file, change(await outage()))
  return file
}

describe('replay', () => {
  test('tells the story', async () => {
    const { code, stdout: text } = await run(await recordingFile())
    expect(code).toBe(0)
    expect(text.trimEnd().split('\n')).toEqual([
      'gateway  recorded by xstate-mqtt 0.1.0 from 2026-11-28 18:00:00 UTC on',
      '        time   state           try          delay cause',
      '18:00:00.000 ▸ CONNECT',
      '18:00:00.000 ◇ refreshingToken                    there is no token yet',
      '18:00:00.000 ◌ connecting                         there is a new token',
      '18:00:00.005 ● connected                          accepted: restoring subscriptions',
      '18:00:00.005 └ ready                              0 subscriptions restored',
      '18:02:00.005 ◔ reconnecting    attempt 1/10 0.75 s no PINGRESP within 1.5 × keep alive: the connection is half-open',
      '18:02:00.755 ◌ connecting      attempt 1/10',
      '18:02:00.755 ◔ reconnecting    attempt 2/10 1.5 s connect ECONNREFUSED 10.0.0.1:1883',
      '18:02:02.255 ◌ connecting      attempt 2/10',
      '18:02:02.255 ● connected       attempt 2/10       accepted: restoring subscriptions',
      '18:02:02.255 └ ready                              0 subscriptions restored, after an outage of 2.25 s',
      '18:03:02.255 ▸ DISCONNECT',
      '18:03:02.255 ◌ disconnecting',
      '18:03:02.255 ○ disconnected',
      '18:03:07.255 ▸ the client is disposed',
      'One outage, the longest of 2.25 s.',
    ])
  })

  test('reads the part before it, and tells what it cannot read', async () => {
    const file = await recordingFile()
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
    const cut = lines.findLastIndex((line) => line.includes('"type":"checkpoint"'))
    writeFileSync(`${file}.1`, `${lines.slice(0, cut).join('\n')}\n`)
    writeFileSync(file, `${[lines[0], ...lines.slice(cut)].join('\n')}\n{"type":"st`)
    const { stdout, stderr } = await run(file, '--check')
    expect(stderr).toBe('Lines that could not be read: 1\n')
    expect(stdout).toMatch(/^gateway {2}✓ takes the same way for [\d,]+ steps\n$/)
  })

  test.each([
    [['--from', '18:02:00.700', '--until', '18:02:01'], 1],
    [['--from', '2026-11-28T18:02:01+00:00'], 2],
    [['--until', '2026-11-28T18:00:01'], 1],
  ])('tells the part %j, from the checkpoint before it on', async (args, attempts) => {
    const file = await recordingFile()
    const { code, stdout } = await run(file, ...args)
    expect(code).toBe(0)
    expect(stdout.split('\n').filter((line) => line.includes('◌ connecting')).length).toBeLessThanOrEqual(attempts)
    expect((await run(file, ...args, '--check')).stdout).toMatch(/✓ takes the same way for [\d,]+ steps/)
  })

  test.each([
    [['--from', '19:00'], 'nothing was recorded between --from and --until'],
    [['--until', 'soon'], "--until must be a time in UTC such as 18:05, or 2026-11-28T18:05:00, got 'soon'"],
  ])('%j: %s', async (args, message) => {
    const { code, stderr } = await run(await recordingFile(), ...args)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })

  test('tells a state that this version does not know', async () => {
    const file = await recordingFile((text) =>
      text
        .replaceAll('"state":"reconnecting"', '"state":"toString"')
        .replaceAll('"state":"disconnected"', '"state":"a\\u001bb"'),
    )
    const { code, stdout, stderr } = await run(file)
    expect([code, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(/^18:02:00\.005 · toString /m)
    expect(stdout).toMatch(/^18:03:02\.255 · a.*b/m)
    expect(stdout).not.toContain('\u001B')
  })

  test('chooses a client', async () => {
    const file = await recordingFile()
    expect((await run(file, '--client', 'gateway', '--check')).code).toBe(0)
    const other = await run(file, '--client', 'other')
    expect(other).toMatchObject({ code: 2, stdout: '' })
    expect(other.stderr).toContain("there is no client 'other' in it. Its clients are gateway")
  })

  test.each([1, 2, 3, 7, 1_000])('reads a file in chunks of %i bytes, whatever they cut', (bytes) => {
    const file = join(temporaryFolder(), 'some.txt')
    const text = 'a\n\nÄpfel € 🍎\n\r\nlast'
    writeFileSync(file, text)
    expect([...linesOf(file, bytes)]).toEqual(text.split('\n'))
    writeFileSync(file, '')
    expect([...linesOf(file, bytes)]).toEqual([''])
  })

  test.each([
    [[], 'the file of the recording is missing: xstate-mqtt replay <file>'],
    [['a', 'b'], "unexpected argument 'b'"],
    [['/nowhere/a.jsonl'], 'there is no file /nowhere/a.jsonl'],
    [['a', '--check', '--to-test', 'b'], '--check and --to-test exclude each other'],
  ])('%j is refused', async (args, message) => {
    const { code, stderr } = await run(...args)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
  })

  test('skips lines that were changed, and writes no text of them as code', async () => {
    const file = await recordingFile((text) =>
      text
        .replace('"config":{', '"other":{')
        .replaceAll('connect ECONNREFUSED 10.0.0.1:1883', '\\n  throw new Error(1)\\u2028`${1}`'),
    )
    const written = `${file}.test.ts`
    const { stderr } = await run(file, '--to-test', written)
    expect(stderr).toBe('Lines that could not be read: 1\n')
    expect(readFileSync(written, 'utf8')).not.toMatch(/^\s*throw/m)
  })

  test('refuses a file that is no recording, and does not replace a test', async () => {
    const file = join(temporaryFolder(), 'some.txt')
    writeFileSync(file, 'hello\n')
    expect(await run(file)).toMatchObject({
      code: 1,
      stderr: `xstate-mqtt replay: ${file} cannot be replayed: it has no line of a recording\n`,
    })
    expect((await run(await recordingFile(), '--to-test', file)).stderr).toContain(
      `${file} exists: --force replaces it`,
    )
    expect(readFileSync(file, 'utf8')).toBe('hello\n')
    expect((await run(await recordingFile(), '--to-test', file, '--force')).code).toBe(0)
  })
})

describe('replay --check', () => {
  test('shows the first difference, state by state', async () => {
    const file = await recordingFile((text) =>
      text.replace('"reconnectDelay","delay":750', '"reconnectDelay","delay":900'),
    )
    const { code, stdout: text } = await run(file, '--check')
    expect(code).toBe(1)
    expect(text).toMatch(
      /^gateway {2}✕ differs after [\d,]+ steps, at 120005 ms: xstate-mqtt 0.1.0 recorded another way\n/,
    )
    expect(text).toMatch(/\n +120005 ms {2}reconnecting +no PINGRESP/)
    expect(text).toContain('\n  - waits 900 ms: reconnectDelay\n  + waits 750 ms: reconnectDelay\n')
  })
})

describe('replay --to-test', () => {
  test('writes the servers of an attempt in short, and delays that never end in words', () => {
    const health = { priority: 0, weight: 1, attempts: 2, connects: 1, failures: 0, lastFailure: null }
    const rest = { coolingUntil: null, connectTime: 40, tried: true, movedTo: null }
    const known = { server: "mqtts://a'b:8883", ...health, ...rest }
    const chosen = { type: 'server.chosen', current: 'x', servers: [known, { ...known, attempts: 0, connects: 0 }] }
    const source = literal(withShortServers(chosen))
    expect(source).toBe(
      [
        '{',
        "  type: 'server.chosen',",
        "  current: 'x',",
        '  servers: [',
        '    server("mqtts://a\'b:8883", { attempts: 2, connects: 1, connectTime: 40, tried: true }),',
        '    server("mqtts://a\'b:8883", { connectTime: 40, tried: true }),',
        '  ],',
        '}',
      ].join('\n'),
    )
    // oxlint-disable-next-line typescript/no-implied-eval -- It has just been written, by the code under test.
    const read = new Function(`${serverHelper.replaceAll(': string', '').replace(': object', '')}; return ${source}`)
    expect(read()).toEqual(chosen)
    const { tried: _, ...older } = known
    expect(withShortServers({ ...chosen, servers: [older] }), 'of another version').toEqual({
      ...chosen,
      servers: [older],
    })
    expect(inWords({ state: 'a', does: [{ timer: 'renewalDue', delay: 2 ** 31 - 1 }] })).toEqual([
      'a',
      'waits for ever: renewalDue',
    ])
  })

  /** Runs the test that was written, with a machine. Returns its titles. */
  function runTest(source: string, machine = connectionMachine): string[] {
    const titles: string[] = []
    const body = source.replaceAll(/^import .*$/gm, '')
    const define = (title: string, call: () => void) => {
      titles.push(title)
      call()
    }
    const create: typeof createReplay = (options) => createReplayOf(machine, options ?? {})
    // oxlint-disable-next-line typescript/no-implied-eval -- It has just been written, by the code under test.
    new Function('test', 'expect', 'createReplay', body)(define, expect, create)
    return titles
  }

  async function written(change?: (text: string) => string): Promise<string> {
    const file = join(temporaryFolder(), 'outage.test.ts')
    const { code } = await run(await recordingFile(change), '--to-test', file)
    expect(code).toBe(0)
    return readFileSync(file, 'utf8')
  }

  test('writes a test that a person can read, and that passes', async () => {
    const source = await written()
    expect(source).toContain(
      [
        '  // 18:02:00.005 no PINGRESP within 1.5 × keep alive: the connection is half-open',
        "  expect(machine.at(120_005, { type: 'transport.failed', failure: { kind: 'keepalive' } }, { random: [0.5] })).toEqual([",
        "    'reconnecting',",
        "    'emits connectionInterrupted: failure keepalive',",
        "    'calls pausePublishing',",
        "    'sends connection.lost to subscriptions',",
        "    'stops transport',",
        "    'emits reconnectScheduled: attempt 1, delay 750, failure keepalive',",
        "    'waits 750 ms: reconnectDelay',",
        '  ])',
      ].join('\n'),
    )
    expect([...source.matchAll(/from '(.*)'/g)].map(([, name]) => name)).toEqual(['vitest', 'xstate-mqtt/testing'])
    expect(runTest(source)).toEqual(['gateway, recorded by 0.1.0 at 2026-11-28T18:00:00.000Z'])
  })

  test('writes tests like the one in the docs', () => {
    const page = readFileSync(new URL('../../docs/recorder.md', import.meta.url), 'utf8')
    const source = /```ts\n(import \{ expect, test \}[^]*?)```/.exec(page)?.[1] ?? ''
    expect(runTest(source)).toEqual(['the broker goes away'])
  })

  test('writes one test for each part without missing lines', async () => {
    const source = await written((text) => {
      const lines = text.split('\n')
      const at = lines.findLastIndex((line) => line.includes('"type":"checkpoint"'))
      return [...lines.slice(0, at), '{"type":"lost","lines":2}', ...lines.slice(at)].join('\n')
    })
    expect(runTest(source)).toEqual([
      'gateway, recorded by 0.1.0 at 2026-11-28T18:00:00.000Z',
      expect.stringMatching(/, part 2$/),
    ])
  })

  const config = connectionMachine.config as unknown as {
    readonly states: { readonly connecting: { readonly on: Readonly<Record<string, unknown>> } }
  }
  const { 'transport.failed': _, ...on } = config.states.connecting.on
  const states = { ...config.states, connecting: { ...config.states.connecting, on } }
  const deaf = connectionSetup.createMachine({ ...config, states } as never) as unknown as typeof connectionMachine

  test.each([
    [
      'a delay is longer',
      connectionMachine.provide({ delays: { reconnectDelay: ({ context }) => context.delay + 1 } }),
    ],
    ['a transition is missing', deaf],
    ['a guard is wrong', connectionMachine.provide({ guards: { attemptsLeft: () => false } })],
    ['an action is missing', connectionMachine.provide({ actions: { announceReconnect: () => {} } })],
  ])('writes a test that fails if %s', async (_name, broken) => {
    const source = await written()
    expect(() => runTest(source, broken)).toThrow(/to deeply equal|no delay|the delay/)
  })
})
