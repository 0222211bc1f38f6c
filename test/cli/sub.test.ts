import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Writable } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'

import { createTestClock } from '../../testing/index.ts'
import { serve, startServer, trusting } from '../support/servers.ts'
import { sharedFolder } from '../support/temporary-folder.ts'
import { createShell } from './shell.ts'

const folder = sharedFolder()
const certificate = join(folder, 'ca.pem')
writeFileSync(certificate, trusting.tls.ca)
const config = join(folder, 'config.json')
writeFileSync(config, JSON.stringify({ reconnect: { initialDelay: 5, maxDelay: 5 }, timeouts: { stableAfter: 0 } }))
const env = { XSTATE_MQTT_CONFIG: config }

const binary = Buffer.from([0, 10, 13, 255, 27, 128])

/** A server that publishes as soon as it has granted the subscription. */
function publishing(...messages: readonly (readonly [topic: string, payload: string | Buffer, options?: object])[]) {
  return {
    steps: [
      {
        at: 'subscribe',
        do: (connection: any, packet: any) => {
          connection.send({ cmd: 'suback', messageId: packet.messageId, granted: packet.subscriptions.map(() => 1) })
          for (const [topic, payload, options] of messages) connection.publish(topic, payload, { qos: 1, ...options })
        },
      },
    ],
  } as const
}

describe('output', () => {
  test.each<[string, readonly string[], Buffer]>([
    ['payloads, a line each', [], Buffer.concat([binary, Buffer.from('\ntwo\n')])],
    ['payloads, and nothing else', ['-N'], Buffer.concat([binary, Buffer.from('two')])],
    ['topics and payloads', ['-v'], Buffer.concat([Buffer.from('a/1 '), binary, Buffer.from('\na/2 two\n')])],
  ])('%s', async (_name, args, expected) => {
    const server = await startServer({ script: publishing(['a/1', binary], ['a/2', 'two']) })
    const { run, bytes } = createShell()
    expect(await run('sub', server.url, 'a/#', '-C', '2', ...args)).toBe(0)
    expect(bytes()).toEqual(expected)
  })

  test('JSON has the topic, the properties, and Base64 if the payload is not text', async () => {
    const properties = { contentType: 'text/plain', correlationData: Buffer.from([1]), userProperties: { a: 'b' } }
    const script = publishing(['a/1', 'é"\n', { retain: true, properties }], ['a/2', binary, { qos: 0 }])
    const server = await startServer({ script })
    const { run, stdout } = createShell()
    expect(await run('sub', server.url, 'a/#', '-C', '2', '--json')).toBe(0)
    const [first, second] = stdout()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(first).toEqual({
      time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
      topic: 'a/1',
      qos: 1,
      retain: true,
      properties: { contentType: 'text/plain', correlationData: 'AQ==', userProperties: { a: 'b' } },
      payload: 'é"\n',
      encoding: 'utf8',
    })
    expect(second).toMatchObject({ topic: 'a/2', qos: 0, payload: binary.toString('base64'), encoding: 'base64' })
  })

  test('on a terminal, a payload can not move the cursor', async () => {
    const server = await startServer({ script: publishing(['a', 'one\n\ttwo \u001B[2J\r👩‍🔬']) })
    const { run, stdout } = createShell({ isTTY: true })
    await run('sub', server.url, 'a', '-C', '1')
    expect(stdout()).toBe('one\n\ttwo �[2J�👩‍🔬\n')
  })

  test('a message that several filters match is printed once', async () => {
    const server = await startServer({ script: publishing(['a/1', ''], ['a/1', ''], ['a/1', 'x']) })
    const { run, stdout } = createShell()
    await run('sub', server.url, 'a/#', 'a/1', '+/1', '-C', '3', '-V', '3.1.1')
    expect(stdout()).toBe('\n\nx\n')
  })

  test('-R leaves out retained messages', async () => {
    const server = await startServer({ script: publishing(['a', 'old', { retain: true }], ['a', 'new']) })
    const { run, stdout } = createShell()
    await run('sub', server.url, 'a', '-C', '1', '-R')
    expect(stdout()).toBe('new\n')
    expect(server.received('puback')).toHaveLength(2)
  })
})

describe('the end', () => {
  test('--count acknowledges what is printed, and no more', async () => {
    const server = await startServer({ script: publishing(['a', '1'], ['a', '2'], ['a', '3']) })
    const { run, stdout } = createShell()
    expect(await run('sub', server.url, 'a', '-C', '2')).toBe(0)
    expect(stdout()).toBe('1\n2\n')
    expect(server.received('puback')).toHaveLength(2)
    expect(server.received('disconnect')).toHaveLength(1)
  })

  test('--wait ends with 27, also without a connection', async () => {
    const server = await startServer()
    await server.close()
    const clock = createTestClock()
    const { run, stderr } = createShell({ clock })
    const code = run('sub', server.url, 'a', '-W', '30')
    await vi.waitFor(() => expect(stderr()).toContain('not connected: '))
    await clock.tickAsync(30_000)
    expect(await code).toBe(27)
    expect(clock.pending).toBe(0)
  })

  test.each(['interrupt', 'closeOutput'] as const)('%s disconnects, and ends with 0', async (end) => {
    const server = await startServer()
    const { [end]: call, run, stderr } = createShell()
    const code = run('sub', server.url, 'a')
    await server.waitFor('subscribe')
    call()
    expect(await code).toBe(0)
    expect(server.received('disconnect')).toHaveLength(1)
    expect(stderr()).not.toContain('EPIPE')
  })

  test('a failing output ends with 1', async () => {
    const server = await startServer()
    const { closeOutput, run, stderr } = createShell()
    const code = run('sub', server.url, 'a')
    await server.waitFor('subscribe')
    closeOutput(new Error('ENOSPC: no space left on device'))
    expect(await code).toBe(1)
    expect(stderr()).toContain('stdout: ENOSPC: no space left on device')
  })

  test.each([
    ['3.1.1', 5, 'not authorized'],
    ['5', 0x87, 'not authorized'],
    ['5', 0x8a, 'banned'],
  ])('a refused connection on MQTT %s ends with its code %i', async (version, reasonCode, words) => {
    const server = await startServer({ script: { connack: { reasonCode } } })
    const { run, stderr } = createShell()
    expect(await run('sub', server.url, 'a', '-V', version)).toBe(reasonCode)
    expect(stderr()).toContain(words)
  })

  test('it ends when all subscriptions are refused for good', async () => {
    const server = await startServer({ script: { suback: { a: 0x87, b: 0x87 } } })
    const clock = createTestClock()
    const { run, stderr } = createShell({ clock })
    const code = run('sub', server.url, 'a', 'b', '-V', '5')
    const ended = vi.fn<(code: number) => void>()
    void code.then(ended)
    await vi.waitFor(
      async () => {
        await clock.tickAsync(1_000)
        expect(ended).toHaveBeenCalledWith(0x87)
      },
      { interval: 5, timeout: 10_000 },
    )
    // Not once for each of the five times.
    const refused = (filter: string) => `the broker refused the subscription to ${filter}: not authorized (0x87)`
    expect(
      stderr()
        .split('\n')
        .filter((line) => line !== '')
        .toSorted(),
    ).toEqual([
      `connected to ${server.url}`,
      `${refused('a')}; it is asked again`,
      `${refused('a')}; it is not asked any more`,
      `${refused('b')}; it is asked again`,
      `${refused('b')}; it is not asked any more`,
    ])
  })

  test('it says when the broker grants what it had refused', async () => {
    let asked = 0
    const server = await startServer({ script: { suback: () => (asked++ === 0 ? 0x87 : 0) } })
    const clock = createTestClock()
    const { run, stderr, interrupt } = createShell({ clock })
    const code = run('sub', server.url, 'a', '-V', '5')
    await vi.waitFor(
      async () => {
        await clock.tickAsync(1_000)
        expect(stderr()).toContain('the broker grants the subscription to a after all')
      },
      { interval: 5, timeout: 10_000 },
    )
    interrupt()
    expect(await code).toBe(0)
    expect(stderr()).not.toContain('not asked any more')
  })
})

describe('an outage', () => {
  test('it connects and subscribes again, and says so', async () => {
    const server = await startServer({ script: [{}, publishing(['a', 'after'])] })
    const { run, stdout, stderr, interrupt } = createShell({ env })
    const code = run('sub', server.url, 'a')
    await vi.waitFor(() => expect(stderr()).toContain('connected to'))
    server.kick()
    await vi.waitFor(() => expect(stderr()).toContain('connected again'))
    interrupt()
    expect(await code).toBe(0)
    expect(stdout()).toBe('after\n')
    expect(stderr().split('\n')).toEqual([
      `connected to ${server.url}`,
      'connection lost: the server closed the connection without giving a reason',
      expect.stringMatching(/^not connected; the next attempt follows in 0(?:\.01)? s$/),
      expect.stringMatching(/^connected again after .* s$/),
      '',
    ])
  })

  test('a broker that has accepted the login before is not left when it refuses', async () => {
    const server = await startServer({ script: [{}, { connack: { reasonCode: 5 } }, publishing(['a', 'after'])] })
    const { run, stdout, stderr } = createShell({ env })
    const code = run('sub', server.url, 'a', '-C', '1', '-V', '3.1.1')
    await vi.waitFor(() => expect(stderr()).toContain('connected to'))
    server.kick()
    expect(await code).toBe(0)
    expect(stdout()).toBe('after\n')
    expect(stderr()).toContain('not connected: connection refused: not authorized')
  })

  test('--quiet says nothing', async () => {
    const server = await startServer({ script: [{}, publishing(['a', 'after'])] })
    const { run, stderr } = createShell({ env })
    const code = run('sub', server.url, 'a', '-C', '1', '--quiet')
    await server.waitFor('subscribe')
    server.kick()
    expect(await code).toBe(0)
    expect(stderr()).toBe('')
  })
})

test('a slow output holds acknowledgements back', async () => {
  const server = await startServer({ script: publishing(['a', '1'], ['a', '2'], ['a', '3']) })
  const pending: (() => void)[] = []
  const stdout = new Writable({ highWaterMark: 1, write: (_chunk, _encoding, done) => void pending.push(done) })
  const { run, interrupt } = createShell({ stdout })
  const code = run('sub', server.url, 'a')
  await vi.waitFor(() => expect(pending).toHaveLength(1))
  expect(server.received('puback')).toHaveLength(0)
  pending[0]?.()
  await server.waitFor('puback', { count: 1 })
  await vi.waitFor(() => expect(pending).toHaveLength(2))
  pending[1]?.()
  await server.waitFor('puback', { count: 2 })
  interrupt()
  pending[2]?.()
  expect(await code).toBe(0)
  expect(server.received('disconnect')).toHaveLength(1)
})

describe('TLS', () => {
  test.each([['--ca', certificate], ['--insecure']])('with %s', async (...args) => {
    const server = await serve('mqtts', { script: publishing(['a', '1']) })
    const { run, stdout } = createShell()
    expect(await run('sub', server.url, 'a', '-C', '1', ...args)).toBe(0)
    expect(stdout()).toBe('1\n')
  })

  test('says that a certificate is not trusted', async () => {
    const server = await serve('mqtts')
    const { run, stderr, interrupt } = createShell()
    const code = run('sub', server.url, 'a')
    await vi.waitFor(() => expect(stderr()).toMatch(/^not connected: .*self.signed/m))
    interrupt()
    expect(await code).toBe(0)
  })
})

test('--keep-session asks for a session that stays, and needs a client id', async () => {
  const server = await startServer({ script: publishing(['a', '1']) })
  const { run } = createShell()
  expect(await run('sub', server.url, 'a', '-C', '1', '-c', '-i', 'me', '-V', '3.1.1')).toBe(0)
  expect(server.received('connect')[0]).toMatchObject({ clean: false, clientId: 'me' })
  const { run: without, stderr } = createShell()
  expect(await without('sub', server.url, 'a', '-c')).toBe(2)
  expect(stderr()).toContain('--client-id must be given with clean: false')
})
