import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { WebSocket } from 'ws'

import type { ServerFrame, ServerMessage } from '../../visualizer/protocol.ts'
import { outage } from '../support/recorded-outage.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { createShell } from './shell.ts'

const BEGIN = Date.UTC(2026, 10, 28, 18)

async function recordingFile(change: (text: string) => string = (text) => text): Promise<string> {
  const file = join(temporaryFolder(), 'outage.jsonl')
  writeFileSync(file, change(await outage()))
  return file
}

/** Runs the command until the test has seen the page. */
async function whileServed(args: readonly string[], look: (url: string) => Promise<void>) {
  const { run, stdout, stderr, interrupt } = createShell()
  const ended = run('replay', ...args)
  await expect.poll(stdout, { timeout: 20_000 }).toMatch(/Replay: http:/)
  const url = /Replay: (\S+)/.exec(stdout())?.[1] ?? ''
  await look(url)
  interrupt()
  return { code: await ended, stdout: stdout(), stderr: stderr() }
}

/** What a page gets; an error if it is refused. */
function received(url: string, { path = '/viewer', origin }: { path?: string; origin?: string } = {}) {
  return new Promise<readonly ServerMessage[]>((resolve, reject) => {
    const address = new URL(url)
    address.protocol = 'ws:'
    address.pathname = path
    const messages: ServerMessage[] = []
    const socket = new WebSocket(address, { ...(origin !== undefined && { origin }) })
    socket.on('error', reject)
    socket.on('open', () => socket.send('{"type":"@statelyai.connected"}'))
    socket.on('message', (data) => {
      const frame = JSON.parse((data as Buffer).toString()) as ServerFrame
      messages.push(...(frame.type === '@xstate-mqtt.batch' ? frame.messages : [frame]))
      if (messages.at(-1)?.type === '@xstate-mqtt.live') socket.close()
    })
    socket.on('close', () => resolve(messages))
  })
}

describe('replay --visualizer', () => {
  test('serves the recording to those who have the token, until Ctrl-C', async () => {
    const file = await recordingFile()
    const result = await whileServed([file, '--visualizer'], async (url) => {
      expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/\?token=.{32}$/)
      const [welcome, ...messages] = await received(url)
      expect(welcome).toMatchObject({
        type: '@xstate-mqtt.welcome',
        allowCommands: false,
        recording: { file: 'outage.jsonl', package: '0.1.0', from: BEGIN, until: BEGIN + 187_255 },
      })
      const types = new Set(messages.map(({ type }) => type))
      expect([...types].toSorted()).toEqual([
        '@xstate-mqtt.feed',
        '@xstate-mqtt.live',
        '@xstate-mqtt.transition',
        '@xstate.actor',
        '@xstate.snapshot',
      ])
      await expect(received(url.replace(/token=.*/, 'token=another-one-of-them'))).rejects.toThrow('401')
      await expect(received(url, { origin: 'http://evil.example' })).rejects.toThrow('403')
      await expect(received(url, { path: '/feed' }), 'apps cannot report').rejects.toThrow('404')
      await expect(received(url, { path: '/stately' })).rejects.toThrow('404')
    })
    expect(result).toMatchObject({ code: 0, stderr: '' })
  })

  test('shows a part, but with the state that it begins with', async () => {
    const args = [
      await recordingFile(),
      '--visualizer',
      '--from',
      '18:02:01',
      '--until',
      '18:03',
      '--client',
      'gateway',
    ]
    await whileServed(args, async (url) => {
      const [welcome, ...messages] = await received(url)
      expect(welcome).toMatchObject({ recording: { from: BEGIN + 121_000, until: BEGIN + 180_000 } })
      const first = messages.find((message) => message.type === '@xstate.snapshot')
      expect(Number(first?.createdAt)).toBeLessThan(BEGIN + 121_000)
    })
  })

  test('says that the clock was set back, and by how much', async () => {
    const file = await recordingFile((text) =>
      text.replaceAll(/"t":(\d+),"now":(\d+)/g, (whole, t, now) =>
        Number(t) < 120_000 ? whole : `"t":${t},"now":${Number(now) - 2_000}`,
      ),
    )
    const { stderr } = await whileServed([file, '--visualizer'], async () => {})
    expect(stderr).toMatch(
      /^gateway: the clock was set back by 2 s at 18:02:\S+ UTC\. There, the page shows 2 s less than passed\n$/,
    )
  })

  test('says that this version takes another way', async () => {
    const file = await recordingFile((text) =>
      text.replace(/("t":\d+),"timer":"reconnectDelay"/, '$1,"timer":"otherDelay"'),
    )
    const { stderr, code } = await whileServed([file, '--visualizer'], async (url) => void (await received(url)))
    expect(code).toBe(0)
    expect(stderr).toMatch(/^gateway: this version takes another way from 18:02:00\.755 UTC on\. .*--check/)
  })

  test.each([
    [['--visualizer', '--check'], '--check and --visualizer exclude each other'],
    [['--visualizer', '--to-test', 'a'], '--to-test and --visualizer exclude each other'],
    [['--port', '0'], '--port needs --visualizer'],
    [['--token', 'a', '--check'], '--token needs --visualizer'],
    [['--visualizer', '--port', 'http'], "--port must be a whole number between 0 and 65535, got 'http'"],
    [['--visualizer', '--token', 'secret'], '--token must be a string of at least 16 characters'],
    [['--visualizer', '--client', 'other'], "there is no client 'other' in it"],
    [['--visualizer', '--from', '20:00'], 'nothing was recorded between --from and --until'],
  ])('%j is refused: %s', async (args, message) => {
    const { run, stderr, stdout } = createShell()
    expect(await run('replay', await recordingFile(), ...args)).toBe(2)
    expect(stderr()).toContain(message)
    expect(stderr()).not.toContain('secret')
    expect(stdout()).toBe('')
  })

  test.each([
    ['', 'it has no line of a recording'],
    ['{"type":"recording"', 'it has no line of a recording'],
    ['{"type":"recording","format":9,"run":"a","package":"9.0.0"}', 'it has the format 9 of xstate-mqtt 9.0.0'],
  ])('the file %j is refused: %s', async (text, message) => {
    const { run, stderr } = createShell()
    expect(await run('replay', await recordingFile(() => text), '--visualizer')).toBe(1)
    expect(stderr()).toContain(message)
  })
})
