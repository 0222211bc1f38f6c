import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { describe, expect, test, vi } from 'vitest'

import { linesOf, MAX_PAYLOAD, wholeOf } from '../../cli/messages/payloads.ts'
import { createTestClock } from '../../testing/index.ts'
import { startBroker, startServer } from '../support/servers.ts'
import { sharedFolder } from '../support/temporary-folder.ts'
import { createShell } from './shell.ts'

const folder = sharedFolder()
const config = join(folder, 'config.json')
writeFileSync(config, JSON.stringify({ reconnect: { initialDelay: 5, maxDelay: 5 }, timeouts: { stableAfter: 0 } }))
const env = { XSTATE_MQTT_CONFIG: config }

const file = join(folder, 'payload')
const binary = Buffer.from([0, 10, 13, 255])
writeFileSync(file, binary)

function chunks(...texts: readonly (string | Buffer)[]): Readable {
  return Readable.from(texts.map((each) => Buffer.from(each)))
}

describe('what is published', () => {
  test.each<[readonly string[], readonly (string | Buffer)[], readonly (string | Buffer)[]]>([
    [['-m', 'on'], [], ['on']],
    [['-m', '-5'], [], ['-5']],
    [['-m', ''], [], ['']],
    [['-n'], [], ['']],
    [['-f', file], [], [binary]],
    [['-s'], ['one\n', binary], [Buffer.concat([Buffer.from('one\n'), binary])]],
    [['-s'], [], ['']],
    [['-l'], ['one\n\ntw', 'o\r\nla', 's', 't'], ['one', '', 'two\r', 'last']],
    [['-l'], ['one\n'], ['one']],
  ])('%j with %j on stdin', async (args, input, expected) => {
    const server = await startServer()
    const { run, stderr } = createShell({ stdin: chunks(...input) })
    expect(await run('pub', server.url, 'a/b', ...args)).toBe(0)
    const published = server.received('publish')
    expect(published.map(({ payload }) => Buffer.from(payload))).toEqual(expected.map((each) => Buffer.from(each)))
    for (const each of published) expect(each).toMatchObject({ topic: 'a/b', qos: 1, retain: false })
    expect(server.received('disconnect')).toHaveLength(1)
    expect(stderr()).toBe('')
  })

  test('with QoS, retain and properties', async () => {
    const server = await startServer()
    const { run } = createShell()
    const properties = ['--content-type', 'text/plain', '--response-topic', 'r', '--expiry', '1m']
    const user = ['--user-property', 'a=b=c', '--user-property', 'a=d']
    expect(await run('pub', server.url, '-t', 'a', '-m', 'x', '-q', '2', '-r', ...properties, ...user)).toBe(0)
    expect(server.received('publish')[0]).toMatchObject({
      topic: 'a',
      qos: 2,
      retain: true,
      properties: {
        contentType: 'text/plain',
        responseTopic: 'r',
        messageExpiryInterval: 60,
        userProperties: { a: ['b=c', 'd'] },
      },
    })
  })
})

describe('exit codes', () => {
  test('no lines at all: 0', async () => {
    const server = await startServer()
    const { run } = createShell()
    expect(await run('pub', server.url, 'a', '-l')).toBe(0)
    expect(server.received('publish')).toEqual([])
  })

  test('a message that the broker refuses: 1', async () => {
    const server = await startServer({ script: { puback: { a: 0x87 } } })
    const { run, stderr } = createShell({ stdin: chunks('1\n2\n') })
    expect(await run('pub', server.url, 'a', '-l', '-V', '5')).toBe(1)
    expect(stderr()).toContain('the broker refused the publish to a: not authorized')
    expect(stderr()).toContain('the broker has not acknowledged 2 of 2 messages')
  })

  test.each([
    ['3.1.1', 5],
    ['5', 0x86],
  ])('a refused connection on MQTT %s: %i', async (version, reasonCode) => {
    const server = await startServer({ script: { connack: { reasonCode } } })
    const { run, stderr } = createShell()
    expect(await run('pub', server.url, 'a', '-m', 'x', '-V', version)).toBe(reasonCode)
    expect(stderr()).toContain('the broker has not acknowledged the message')
  })

  test('--wait: 27', async () => {
    const server = await startServer({ script: { puback: false } })
    const clock = createTestClock()
    const { run, stderr } = createShell({ clock })
    const code = run('pub', server.url, 'a', '-m', 'x', '-W', '10s')
    await server.waitFor('publish')
    await clock.tickAsync(10_000)
    expect(await code).toBe(27)
    expect(stderr()).toContain('the broker has not acknowledged the message')
  })

  test('input that fails: 1, after what was read before is sent', async () => {
    const failing = async function* () {
      yield Buffer.from('one\n')
      throw new Error('EIO: i/o error')
    }
    const server = await startServer()
    const { run, stderr } = createShell({ stdin: Readable.from(failing()) })
    expect(await run('pub', server.url, 'a', '-l')).toBe(1)
    expect(server.received('publish')).toHaveLength(1)
    expect(stderr()).toContain('EIO: i/o error')
  })

  test('a file that is not there: 1', async () => {
    const server = await startServer()
    const { run, stderr } = createShell()
    expect(await run('pub', server.url, 'a', '-f', join(folder, 'nowhere'))).toBe(1)
    expect(stderr()).toContain('ENOENT')
  })

  test('Ctrl-C without a connection: 1', async () => {
    const server = await startServer()
    await server.close()
    const { run, interrupt, stderr } = createShell()
    const code = run('pub', server.url, 'a', '-m', 'x')
    await vi.waitFor(() => expect(stderr()).toContain('not connected: '))
    interrupt()
    expect(await code).toBe(1)
    expect(stderr()).toContain('the broker has not acknowledged the message')
  })

  test('Ctrl-C with everything acknowledged: 0', async () => {
    const server = await startServer()
    const stdin = new Readable({ read: () => {} })
    const { run, interrupt } = createShell({ stdin })
    const code = run('pub', server.url, 'a', '-l')
    stdin.push('one\n')
    await server.waitFor('publish')
    interrupt()
    expect(await code).toBe(0)
    expect(stdin.destroyed).toBe(true)
  })
})

test('the input is read no further than the broker acknowledges', async () => {
  const server = await startServer({ script: { puback: false } })
  const clock = createTestClock()
  let read = 0
  const endless = async function* () {
    for (;;) {
      read++
      yield Buffer.from('line\n')
    }
  }
  const { run, interrupt, stderr } = createShell({ stdin: Readable.from(endless(), { highWaterMark: 1 }), clock })
  const code = run('pub', server.url, 'a', '-l', '-V', '3.1.1')
  await server.waitFor('publish', { count: 1_000 })
  const before = read
  await clock.tickAsync(1)
  expect(read).toBe(before)
  expect(read).toBeLessThan(1_010)
  interrupt()
  await clock.tickAsync(5_000)
  expect(await code).toBe(1)
  expect(stderr()).toContain('the broker has not acknowledged 1,000 of 1,000 messages')
})

test('Ctrl-C before all that was read is published: 1, and it says so', async () => {
  const server = await startServer({ script: { puback: false } })
  const clock = createTestClock()
  const { run, interrupt, stderr } = createShell({ stdin: chunks('line\n'.repeat(3_000)), clock })
  const code = run('pub', server.url, 'a', '-l', '-V', '3.1.1')
  await server.waitFor('publish', { count: 1_000 })
  interrupt()
  await clock.tickAsync(5_000)
  expect(await code).toBe(1)
  expect(stderr()).toContain('ended after 1,000 messages, before the end of what was read')
})

test('a broker that restarts in the middle gets everything, in order', async () => {
  const broker = await startBroker()
  const seen: number[] = []
  broker.onPublish(({ topic, payload }) => {
    if (topic === 'a') seen.push(Number(payload))
  })
  const lines = Array.from({ length: 3_000 }, (_, n) => n)
  const { run } = createShell({ env, stdin: Readable.from(lines.map((n) => Buffer.from(`${n}\n`))) })
  const code = run('pub', broker.url, 'a', '-l')
  await vi.waitFor(() => expect(seen.length).toBeGreaterThan(500))
  await broker.stop()
  await broker.start()
  expect(await code).toBe(0)
  const firsts = seen.filter((n, index) => seen.indexOf(n) === index)
  expect(firsts).toEqual(lines)
})

describe('payloads', () => {
  const huge = { length: MAX_PAYLOAD, indexOf: () => -1, subarray: () => huge } as unknown as Uint8Array

  test.each([
    [linesOf, 'A line is longer than a payload can be'],
    [wholeOf, 'The input is longer than a payload can be'],
  ])('%o has a limit', async (payloadsOf, message) => {
    const input = async function* () {
      yield huge
      yield Buffer.from('x')
    }
    await expect(drain(payloadsOf(input()))).rejects.toThrow(message)
  })
})

async function drain(items: AsyncIterable<unknown>): Promise<void> {
  for await (const _item of items);
}
