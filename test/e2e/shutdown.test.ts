import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { delimiter, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'

import { createEmbeddedBroker } from '../../testing/index.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { paste, removePasted } from './pasted.ts'
import { start } from './run.ts'

afterAll(removePasted)

const PAGE = 'docs/shutdown.md'

test('SIGTERM in an outage: what was accepted is delivered, and what was handed over is acknowledged', async () => {
  const broker = await startBroker()
  const totals: string[] = []
  broker.onPublish(({ topic, payload }) => void (topic === 'meter/total' && totals.push(payload.toString())))
  const example = start(paste(PAGE, 'shutdown', { 'mqtt://localhost': broker.url, 'sleep(100)': 'sleep(400)' }))
  await vi.waitFor(
    async () => {
      // Until it has subscribed.
      await broker.publish('meter/reading', '1', { qos: 1 })
      expect(totals.length).toBeGreaterThan(0)
    },
    { timeout: 30_000, interval: 200 },
  )
  const before = totals.length
  await broker.publish('meter/reading', '1', { qos: 1 })
  await broker.publish('meter/reading', '1', { qos: 1 })
  // The handlers have their messages, and publish when there is no broker.
  await sleep(200)
  await broker.stop()
  await sleep(300)
  example.kill('SIGTERM')
  await broker.start()
  const { code, stderr } = await example.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(totals.length).toBeGreaterThanOrEqual(before + 1)
  expect(totals, 'every total, in order').toEqual(totals.map((_, index) => String(index + 1)))
  expect(broker.clients).toBe(0)
})

test('systemd: ready, its state, the watchdog and the end', async () => {
  const broker = await startBroker()
  const folder = temporaryFolder()
  const log = join(folder, 'log')
  // Stands in for systemd-notify.
  writeFileSync(join(folder, 'systemd-notify'), `#!/bin/sh\necho "$1" >> ${log}\n`)
  chmodSync(join(folder, 'systemd-notify'), 0o755)
  const example = start(paste(PAGE, 'watchdog', { 'mqtt://localhost': broker.url }), [], {
    env: {
      PATH: [folder, process.env['PATH']].join(delimiter),
      NOTIFY_SOCKET: join(folder, 'notify'),
      WATCHDOG_USEC: '200000',
    },
  })
  const said = () => (existsSync(log) ? readFileSync(log, 'utf8') : '')
  await vi.waitFor(() => expect(said()).toMatch(/^READY=1$[^]*^WATCHDOG=1$[^]*^WATCHDOG=1$/m), { timeout: 30_000 })
  await broker.stop()
  await vi.waitFor(() => expect(said()).toMatch(/^STATUS=reconnecting$[^]*^WATCHDOG=1$/m), { timeout: 30_000 })
  example.kill('SIGTERM')
  const { code, stderr } = await example.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(said()).toMatch(/^STOPPING=1$/m)
})

test('health: ready with the broker, live without it', async () => {
  const broker = await startBroker()
  const port = await freePort()
  const example = start(
    paste('docs/observability.md', 'health', { 'mqtt://localhost': broker.url, '8080': String(port) }),
  )
  const probe = async (path: string) => (await fetch(`http://127.0.0.1:${port}/${path}`)).status
  await vi.waitFor(async () => expect(await probe('ready')).toBe(200), { timeout: 30_000 })
  await broker.stop()
  await vi.waitFor(async () => expect(await probe('ready')).toBe(503), { timeout: 30_000 })
  expect(await probe('live')).toBe(200)
  example.kill('SIGKILL')
})

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

async function startBroker() {
  const broker = await createEmbeddedBroker()
  onTestFinished(() => broker.stop())
  return broker
}
