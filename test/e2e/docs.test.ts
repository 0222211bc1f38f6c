import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { get } from 'sparkplug-payload'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'

import { createEmbeddedBroker } from '../../testing/index.ts'
import { installed, startMosquitto } from '../support/mosquitto.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { paste, removePasted } from './pasted.ts'
import { run, start } from './run.ts'

afterAll(removePasted)

const LOCALHOST = 'mqtt://localhost'

test.each([
  ['docs/testing.md', '### Enhanced authentication'],
  ['docs/testing.md', '## A complete outage'],
] as const)('%s %s', async (page, heading) => {
  const { code, stderr } = await run(paste(page, heading))
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
})

test('getting started: the screen shows what the thermometer measures, also in an outage', async () => {
  const broker = await startBroker()
  const page = 'docs/getting-started.md'
  const screen = start(paste(page, 'screen', { [LOCALHOST]: broker.url }))
  await screen.shows('[connected]')
  const thermometer = start(paste(page, 'thermometer', { [LOCALHOST]: broker.url, '1_000': '200' }))
  await screen.showsTimes('celsius: ', 2)
  await broker.stop()
  await screen.shows('[reconnecting]')
  await broker.start()
  await screen.showsTimes('[connected]', 2)
  await screen.showsTimes('celsius: ', 5)
  thermometer.kill('SIGINT')
  screen.kill('SIGTERM')
  const { code, stderr } = await thermometer.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const times = [...(await screen.ended).stdout.matchAll(/at: '([^']+)'/g)].map(([, at]) => at ?? '')
  expect(times, 'in order').toEqual(times.toSorted())
})

test('getting started: a reading that is on disk survives the process', async () => {
  const broker = await startBroker()
  await broker.stop()
  const file = paste('docs/getting-started.md', 'durable', { [LOCALHOST]: broker.url })
  const cwd = temporaryFolder()
  const killed = start(file, [], { cwd })
  await killed.shows('on disk')
  killed.kill('SIGKILL')
  await killed.ended
  await broker.start()
  const next = start(file, [], { cwd })
  await next.shows('everything is delivered')
  next.kill('SIGINT')
  const { code, stdout, stderr } = await next.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('readings of an earlier process: 1')
  expect(broker.published).toBe(2)
})

test.skipIf(!installed)('requests: the device answers', async () => {
  const broker = await startMosquitto()
  onTestFinished(() => broker[Symbol.asyncDispose]())
  const example = start(paste('docs/requests.md', 'request', { [LOCALHOST]: broker.url }))
  await example.shows('running')
  example.kill('SIGKILL')
  expect(await example.ended).toMatchObject({ stdout: 'running\n', stderr: '' })
})

test('AWS IoT Core: the signature is that of @smithy/signature-v4 5.7.5, and the session token is not signed', async () => {
  const { url, requests } = await startListener()
  const file = paste('docs/connect.md', 'sigv4', {
    'wss://${host}': url,
    'xxxx-ats.iot.eu-central-1.amazonaws.com': 'abc-ats.iot.eu-central-1.amazonaws.com',
    'new Date()': "new Date('2026-11-28T21:00:00.123Z')",
  })
  const example = start(file, [], {
    env: {
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
      AWS_SESSION_TOKEN: 'a/b+c==',
    },
  })
  await vi.waitFor(() => expect(requests()).toMatch(/^GET [^]*\r\n\r\n/), { timeout: 30_000 })
  example.kill('SIGKILL')
  const [, path = ''] = /^GET (\S+) HTTP/.exec(requests()) ?? []
  const query = [...new URL(path, 'http://localhost').searchParams]
  expect(query.slice(-2)).toEqual([
    ['X-Amz-Signature', '13b1e6429b1cf1a59eee1d01ff930a194aae173c35d5c8fd19040f1ba538e3f0'],
    ['X-Amz-Security-Token', 'a/b+c=='],
  ])
})

test('Sparkplug: a node is born when its primary host is online, and dies when it goes offline', async () => {
  const broker = await startBroker()
  const heard: string[] = []
  broker.onPublish(({ topic, payload }) => heard.push(`${topic.split('/')[2]} ${bdSeqOf(payload)}`))
  const hostIs = (online: boolean, timestamp: number) =>
    broker.publish('spBv1.0/STATE/scada', JSON.stringify({ online, timestamp }), { qos: 1, retain: true })

  const node = start(paste('docs/devices.md', 'primary-host', { [LOCALHOST]: broker.url }))
  await vi.waitFor(() => expect(broker.clients).toBe(1), { timeout: 30_000 })
  await hostIs(false, 1)
  expect(heard).toEqual([])
  await hostIs(true, 2)
  await vi.waitFor(() => expect(heard).toEqual(['NBIRTH 0']), { timeout: 30_000 })
  await hostIs(false, 1) // too old
  await hostIs(false, 3)
  await vi.waitFor(() => expect(heard).toEqual(['NBIRTH 0', 'NDEATH 0']), { timeout: 30_000 })
  await hostIs(true, 4)
  await vi.waitFor(() => expect(heard).toEqual(['NBIRTH 0', 'NDEATH 0', 'NBIRTH 1']), { timeout: 30_000 })
  broker.kick()
  // The retained STATE says that the host is online.
  await vi.waitFor(() => expect(heard.at(-1)).toBe('NBIRTH 2'), { timeout: 30_000 })
  node.kill('SIGKILL')
})

function bdSeqOf(payload: Uint8Array): string {
  const { metrics } = get('spBv1.0')?.decodePayload(payload) ?? {}
  return String(Number(metrics?.find(({ name }) => name === 'bdSeq')?.value))
}

async function startBroker() {
  const broker = await createEmbeddedBroker()
  onTestFinished(() => broker.stop())
  return broker
}

/** A server that only listens. */
async function startListener() {
  let received = ''
  const server = createServer((socket) => void socket.on('data', (chunk) => (received += String(chunk))))
  server.listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return { url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`, requests: () => received }
}
