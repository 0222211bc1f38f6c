import { writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { stripVTControlCharacters } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'

import { tls as fixture } from '../../../measure/lab/tls-fixture.ts'
import { createTestClock } from '../../../testing/index.ts'
import { serve } from '../../support/servers.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { createShell } from '../shell.ts'

const login = { MQTT_USERNAME: 'someone', MQTT_PASSWORD: 'opensesame' }

async function silentServer(): Promise<string> {
  const server = createServer(() => {})
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return `mqtt://127.0.0.1:${(server.address() as { port: number }).port}`
}

describe('the exit code', () => {
  test('is 0 if all is well, and the options follow', async () => {
    const server = await serve('mqtt')
    const { run, stdout, stderr } = createShell({ env: login })
    expect(await run('doctor', server.url, '--publish', 'a')).toBe(0)
    expect(stdout()).toContain(`url: '${server.url}',`)
    expect(stdout()).toContain('protocolVersion: 5,')
    expect(stdout()).toContain('password: process.env.MQTT_PASSWORD,')
    expect(stdout()).toMatch(/All is well\.\n$/)
    expect(stdout() + stderr()).not.toMatch(/opensesame|someone/)
  })

  test('is 1 if it works, with warnings', async () => {
    const server = await serve('mqtt', { script: { pingresp: false } })
    const { run, stdout } = createShell()
    expect(await run('doctor', server.url, '--timeout', '100ms')).toBe(1)
    expect(stdout()).toContain('! round trip')
    expect(stdout()).toMatch(/It works, with 1 warning\.\n$/)
  })

  test('is 2 if it does not work', async () => {
    const server = await serve('mqtt', { script: { connack: { reasonCode: 0x86 } } })
    const { run, stdout, stderr } = createShell({ env: login })
    const url = server.url.replace('//', '//someone:opensesame@')
    expect(await run('doctor', '--json', server.url)).toBe(2)
    const document = JSON.parse(stdout()) as Record<string, unknown>
    expect(document).toMatchObject({
      format: 1,
      url: server.url,
      verdict: 'faults',
      exitCode: 2,
      findings: expect.arrayContaining([
        expect.objectContaining({
          check: 'mqtt',
          level: 'fault',
          code: 'mqtt.refused-0x86',
          remedy: expect.any(String),
        }),
      ]),
      notChecked: ['limits', 'round-trip'],
      client: { url: server.url },
    })
    const other = createShell({ env: { MQTT_URL: url } })
    expect(await other.run('doctor')).toBe(2)
    expect(stdout() + stderr() + other.stdout() + other.stderr()).not.toMatch(/opensesame|someone/)
  })

  test('is 130 at Ctrl-C, if no fault was found, and what is known was printed', async () => {
    const { run, stdout, interrupt } = createShell()
    const code = run('doctor', await silentServer(), '--timeout', '1m')
    await expect.poll(stdout).toContain('✓ TCP')
    interrupt()
    expect(await code).toBe(130)
    expect(stdout()).toContain('Not checked, as there was no time: first bytes, MQTT')
  })
})

describe('files of certificates', () => {
  const written = (name: string, text: string | Uint8Array) => {
    const path = join(temporaryFolder(), name)
    writeFileSync(path, text)
    return path
  }

  test('stand in the options with their paths, from flags and from the config file', async () => {
    const server = await serve('mqtts')
    const [cert, key] = [written('device.pem', fixture.cert), written('device.key', fixture.key)]
    const ca = written("the broker's.pem", fixture.cert)
    const config = written('config.json', JSON.stringify({ options: { tls: { ca: { file: ca } } } }))
    const { run, stdout } = createShell()
    expect(await run('doctor', server.url, '--config', config, '--cert', cert, '--key', key)).toBe(0)
    expect(stdout()).toContain("  import { readFileSync } from 'node:fs'\n\n  new ResilientMqttClient({")
    expect(stdout()).toContain(String.raw`ca: readFileSync('${ca.replace("'", String.raw`\'`)}'),`)
    expect(stdout()).toContain(`cert: readFileSync('${cert}'),`)
    expect(stdout()).toContain(`key: readFileSync('${key}'),`)
  })

  test('a CA that is not the one of the server is named', async () => {
    const server = await serve('mqtts')
    const other = written('other.pem', rootCertificates[0] ?? '')
    const { run, stdout } = createShell()
    expect(await run('doctor', server.url, '--ca', other)).toBe(2)
    expect(stdout()).toContain(`The certificate of the server is signed by itself, and is not in ${other}`)
    expect(stdout()).toContain(`instead of ${other}. Get it from`)
    expect(stdout()).toContain("ca: readFileSync('…'), // the CA of the server: localhost")
  })

  test('contents in the config file itself have no path', async () => {
    const server = await serve('mqtts')
    const config = written('config.json', JSON.stringify({ options: { tls: { ca: String(fixture.cert) } } }))
    const { run, stdout } = createShell()
    expect(await run('doctor', server.url, '--config', config)).toBe(0)
    expect(stdout()).toContain("ca: readFileSync('…'), // what the config file has")
  })
})

test('a wait that is long is shown', async () => {
  const clock = createTestClock()
  const { run, stdout, stderr, interrupt } = createShell({ clock })
  const code = run('doctor', await silentServer(), '--timeout', '1m')
  await expect.poll(stdout).toContain('✓ TCP')
  // TCP connects again, in real time, and is then waited for.
  await expect
    .poll(async () => (await clock.tickAsync(2_001), stderr()))
    .toContain('waits for an answer in MQTT, at most 60 s')
  interrupt()
  await code
})

test.each([0, 30, 60, 200])('a terminal of %i columns gets lines that fit', async (columns) => {
  const server = await serve('mqtt')
  const { run, stdout } = createShell({ columns, isTTY: true })
  expect(await run('doctor', server.url)).toBe(0)
  const lines = stripVTControlCharacters(stdout().replaceAll('\r\u001B[2K', '\n')).split('\n')
  const sentences = lines.slice(0, lines.indexOf('For the client:')).filter((line) => !line.startsWith('…'))
  expect(sentences.length).toBeGreaterThan(5)
  // A word, such as an address, is not cut.
  const longest = sentences.filter((line) => line.length > (columns || 80) && line.trim().split(/\s+/).length > 2)
  expect(longest).toEqual([])
})

describe('a wrong command line', () => {
  test.each([
    [[], 'the URL of the broker is missing'],
    [['mqtt://localhost', 'mqtt://other'], "unexpected argument 'mqtt://other'"],
    [['mqtt://me:opensesame@localhost'], 'a password is never an argument'],
    [['mqtt://localhost', '--publish', 'a/#'], '--publish must not contain wildcards'],
    [['mqtt://localhost', '--subscribe', 'a#'], '--subscribe'],
    [['mqtt://localhost', '--packet-size', '5'], "--packet-size must be between 128 and 268435460 bytes, got '5'"],
    [['mqtt://localhost', '--timeout', '1ms'], '--timeout must be between 100ms and 2m'],
    [['http://localhost'], 'mqtt:, mqtts:, ws: or wss:'],
  ])('%j', async (args, message) => {
    const { run, stdout, stderr } = createShell()
    expect(await run('doctor', ...args)).toBe(2)
    expect(stdout()).toBe('')
    expect(stderr()).toContain(message)
    expect(stderr()).not.toContain('opensesame')
  })
})
