import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterAll, describe, expect, onTestFinished, test, vi } from 'vitest'

import { createEmbeddedBroker, createTokenAuthority, type EmbeddedBrokerOptions } from '../../testing/index.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { Front } from './front.ts'
import { paste, removePasted, snippet, snippetsOf } from './pasted.ts'
import { run, start } from './run.ts'

afterAll(removePasted)

const README = 'README.md'
const LOCALHOST = 'mqtt://localhost'

test('every snippet has a test here', () => {
  const { names, blocks } = snippetsOf(README)
  expect(names).toEqual(['outage', 'printed', 'credentials', 'receive', 'durable', 'visualizer', 'day'])
  expect(blocks, 'printed is no code').toBe(names.length - 1)
})

test('outage: what it prints is what the page shows', async () => {
  const broker = await startBroker()
  const front = await Front.to(broker)
  const example = start(paste(README, 'outage', { [LOCALHOST]: front.url }))
  await example.shows('ECONNREFUSED')
  await front.open()
  await example.shows('home/count 2')
  await front.close()
  await example.showsTimes('ECONNREFUSED', 2)
  await front.open()
  await example.showsTimes('connecting → connected', 2)
  const { published } = broker
  await vi.waitFor(() => expect(broker.published).toBeGreaterThan(published), { timeout: 30_000 })
  example.kill('SIGINT')
  const { code, stdout, stderr } = await example.ended

  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const counted = [...stdout.matchAll(/^home\/count (\d+)$/gm)].map(([, count]) => Number(count))
  const distinct = [...new Set(counted)]
  expect(distinct.length).toBeGreaterThan(2)
  expect(distinct, 'in order, without a gap').toEqual(distinct.map((_, index) => index + 1))
  const shown = withoutNumbers(snippet(README, 'printed').trim())
  const printed = withoutNumbers(stdout)
  expect(shown.split('\n').filter((line) => !printed.includes(line))).toEqual([])
  expect(printed.split('\n')[0], 'the first line').toBe(shown.split('\n')[0])
})

describe('credentials', () => {
  const authority = createTokenAuthority({ lifetime: 3_000 })

  test('a token is renewed before it expires, and a refused one is replaced', async () => {
    const broker = await startBroker({ authenticate: (_user, token) => authority.check(token), webSocket: true })
    const issuer = await startIssuer(() => {
      const { password, expiresAt } = authority.issue()
      return [200, { token: password, expiresAt }]
    })
    const example = start(paste(README, 'credentials', urls(broker.wsUrl, issuer)))
    await example.shows('expiring ')
    // With MQTT 3.1.1, the new token takes a new connection.
    await vi.waitFor(() => expect(broker.clients).toBe(1), { timeout: 30_000 })
    authority.expireAll()
    broker.kick()
    await example.shows('refused ')
    example.kill('SIGKILL')
  })

  test('a wrong account ends it, and a failure of the issuer does not', async () => {
    const broker = await startBroker({ webSocket: true })
    const answers = [500, 403]
    const issuer = await startIssuer(() => [answers.shift() ?? 403, {}])
    const { code, stderr } = await run(paste(README, 'credentials', urls(broker.wsUrl, issuer)))
    expect(code).toBe(1)
    expect(stderr).toContain('the credentials source reported that the account is wrong')
    expect(answers).toEqual([])
  })
})

test('receive: a message is processed, and SIGTERM ends it properly', async () => {
  const broker = await startBroker()
  const cwd = temporaryFolder()
  const example = start(paste(README, 'receive', { [LOCALHOST]: broker.url }), [], { cwd })
  await vi.waitFor(() => expect(broker.clients).toBe(1), { timeout: 30_000 })
  const orders = join(cwd, 'orders.txt')
  await vi.waitFor(
    async () => {
      // Until it has subscribed.
      await broker.publish('orders/new', '{"id":"a-1"}', { qos: 1 })
      expect(existsSync(orders)).toBe(true)
    },
    { timeout: 30_000 },
  )
  example.kill('SIGTERM')
  const { code, stderr } = await example.ended
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(readFileSync(orders, 'utf8')).toMatch(/^(?:a-1\n)+$/)
  expect(broker.clients).toBe(0)
})

test('durable: the next process delivers what the killed one had accepted', async () => {
  const broker = await stoppedBroker()
  const topics: string[] = []
  broker.onPublish(({ topic }) => topics.push(topic))
  const cwd = temporaryFolder()
  const file = paste(README, 'durable', { [LOCALHOST]: broker.url })
  const killed = start(file, [], { cwd })
  await killed.shows('on disk')
  killed.kill('SIGKILL')
  await killed.ended
  await broker.start()
  const { code, stdout, stderr } = await run(file, [], { cwd })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toContain('the broker has it')
  expect(topics).toEqual(['sensor/reading', 'sensor/reading'])
})

test('visualizer: the address that it prints is a page', async () => {
  const broker = await startBroker()
  const example = start(paste(README, 'visualizer', { [LOCALHOST]: broker.url }))
  const page = await fetch(await example.showsUrl())
  expect([page.status, await page.text()]).toEqual([200, expect.stringContaining('<!doctype html>')])
  example.kill('SIGKILL')
})

test('day: a day of outage takes milliseconds', async () => {
  const file = paste(README, 'day')
  const { code, stdout, stderr } = await run(file, [], { timeout: 30_000 })
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(stdout).toMatch(/^recovering after \d{3} attempts\n\{ connected: 'ready' \}\n$/)
})

async function startBroker(options?: EmbeddedBrokerOptions) {
  const broker = await createEmbeddedBroker(options)
  onTestFinished(() => broker.stop())
  return broker
}

/** A broker that is not there yet, and its port. */
async function stoppedBroker() {
  const broker = await startBroker()
  await broker.stop()
  return broker
}

function urls(broker: string, issuer: string): Record<string, string> {
  return { 'wss://broker.example.com/mqtt': broker, 'https://id.example.com': issuer }
}

/** A server that issues tokens. */
async function startIssuer(answer: () => readonly [status: number, body: unknown]): Promise<string> {
  const server = createServer((_request, response) => {
    const [status, body] = answer()
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' }).end(JSON.stringify(body))
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function withoutNumbers(text: string): string {
  return text.replaceAll(/::1|[\d.]+/g, '0')
}
