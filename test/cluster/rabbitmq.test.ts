import { readFileSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { ResilientMqttClient } from '../../src/index.ts'
import { howToInstall, RabbitmqCluster, version } from './rabbitmq-cluster.ts'
import { Traffic, type FaultReport } from './traffic.ts'

/** How long a fault lasts that is not a kill, in milliseconds. */
const CUT_OFF = 20_000
const ALARM = 60_000
const KEEPALIVE = 10_000

/**
 * The order matters: each fault begins when the cluster is whole again. A kill is over when messages flow through the two nodes
 * that are left; only then does the third one start.
 */
describe.skipIf(!version)(`a cluster of three RabbitMQ ${version ?? `(${howToInstall})`}`, () => {
  const reports = new Map<string, FaultReport>()
  let cluster: RabbitmqCluster
  let traffic: Traffic
  const clients: ResilientMqttClient[] = []

  beforeAll(async () => {
    cluster = await RabbitmqCluster.start()
    const { urls } = cluster
    const client = (clientId: string, url: readonly string[]) => {
      const it = new ResilientMqttClient({
        url,
        options: { protocolVersion: 4, clean: false, clientId, keepalive: KEEPALIVE },
      })
      clients.push(it)
      return it
    }
    const publisher = client('publisher', urls)
    // It begins with another node.
    const subscriber = client('subscriber', [...urls.slice(1), ...urls.slice(0, 1)])
    await Promise.all([publisher.connect(), subscriber.connect()])
    traffic = new Traffic(publisher, subscriber, 'cluster/numbers')
    await traffic.start()
  }, 600_000)

  afterAll(async () => {
    for (const client of clients) await client[Symbol.asyncDispose]()
    await cluster?.[Symbol.asyncDispose]()
    const table = markdown(reports)
    console.log(`\n${table}\n`)
    if (process.env['UPDATE_DOCS']) update(table)
  }, 120_000)

  test.each([0, 1, 2])('kill -9 of node %i: messages flow through the others, none is lost', async (node) => {
    const report = await traffic.during(async () => {
      await cluster.kill(node)
      expect(await traffic.flows(90_000), 'messages flow again').toBe(true)
    })
    reports.set(`kill -9 of node ${node + 1}`, report)
    expect(report.lost).toBe(0)
    await cluster.up(node)
    expect(await traffic.flows(60_000), 'and after its return').toBe(true)
  })

  test.each([0, 1, 2])('node %i is cut off from the others for a while: none is lost', async (node) => {
    const report = await traffic.during(async () => {
      await cluster.cutOff(node)
      await sleep(CUT_OFF)
      expect(await traffic.flows(60_000), 'messages flow beside it').toBe(true)
      await cluster.heal(node)
    })
    reports.set(`node ${node + 1} cut off for ${CUT_OFF / 1_000} s`, report)
    expect(report.lost).toBe(0)
    expect(await traffic.flows(60_000), 'and after its return').toBe(true)
  })

  test('a memory alarm: publishes wait until it is over, none is lost', async () => {
    const report = await traffic.during(async () => {
      await cluster.raiseMemoryAlarm(0)
      await sleep(ALARM)
      await cluster.clearMemoryAlarm(0)
      expect(await traffic.flows(120_000), 'messages flow again').toBe(true)
    })
    reports.set(`memory alarm for ${ALARM / 1_000} s`, report)
    expect(report.lost).toBe(0)
  })

  test('in the end, everything was acknowledged, and has arrived', async () => {
    expect(await traffic.stop()).toEqual({ lost: 0, unsettled: 0, errors: 0 })
  })
})

const page = fileURLToPath(new URL('../../docs/reliability.md', import.meta.url))
const [begin, end] = ['<!-- cluster: UPDATE_DOCS=1 npm run test:cluster -->', '<!-- /cluster -->']

function markdown(reports: ReadonlyMap<string, FaultReport>): string {
  const seconds = (ms: number) => `${(ms / 1_000).toFixed(1)} s`
  const lines = [...reports].map(([fault, { withoutAck, withoutMessage, interruptions, ...counts }]) => [
    fault,
    seconds(withoutAck),
    seconds(withoutMessage),
    `${interruptions.publisher}, ${interruptions.subscriber}`,
    counts.published.toLocaleString('en'),
    counts.lost,
    counts.duplicates,
  ])
  const head = ['fault', 'no PUBACK for', 'no message for', 'connections lost', 'published', 'lost', 'twice']
  return [head, ['---', ...head.slice(1).map(() => '---:')], ...lines]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n')
}

function update(table: string): void {
  const text = readFileSync(page, 'utf8')
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < 0) throw new Error(`docs/reliability.md has no markers ${begin} and ${end}`)
  writeFileSync(page, `${text.slice(0, from + begin.length)}\n\n${table}\n\n${text.slice(to)}`)
}
