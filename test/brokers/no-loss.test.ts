import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'

import type { Mosquitto } from '../../measure/lab/mosquitto.ts'
import { seeded } from '../../measure/lab/seeded.ts'
import { ResilientMqttClient, type ResilientMqttClientOptions } from '../../src/index.ts'
import { turns, until as untilWithin } from '../support/event-loop.ts'
import { howToInstall, installed, startMosquitto } from '../support/mosquitto.ts'
import { range } from '../support/range.ts'
import { repetitions } from '../support/repetitions.ts'
import { versions } from '../support/scripted-client.ts'
import { Cutter } from './cutter.ts'

const MESSAGES = repetitions(500, process.env['CI'] === undefined ? 2_000 : 10_000)
const KILLS = repetitions(5, 20)
const SEED = 20_260_101

/**
 * mosquitto 2.0 changes the order of a subscriber's messages once its window of 20 is full, on the wire and for any
 * client: new messages overtake queued ones. Therefore the window is never full here.
 */
const config = ['max_queued_messages 0', `max_inflight_messages ${2 * MESSAGES}`]

/** Between two kills there are 500 messages, and a busy computer takes its time for them. */
const until = (look: () => unknown) => untilWithin(look, String(look), 60_000)

/** Retries soon, but without flooding a broker that is starting. */
const soon = {
  reconnect: { initialDelay: 20, maxDelay: 50, jitter: 'none', maxAttempts: Number.POSITIVE_INFINITY },
} as const satisfies Partial<ResilientMqttClientOptions>

describe.skipIf(!installed)(`mosquitto${installed ? '' : ` (${howToInstall})`}`, () => {
  const ends: (() => Promise<void>)[] = []
  afterAll(async () => {
    for (const end of ends.toReversed()) await end()
  })

  test.each(versions)(
    `MQTT version $version: ${MESSAGES} messages through ${KILLS} kills, none lost, all in order, QoS 2 none twice`,
    { timeout: 240_000 },
    async ({ version }) => {
      const random = seeded(SEED + version)
      const broker = await startMosquitto({ config })
      const cutter = await Cutter.start(broker.port)
      const client = (clientId: string) => {
        const options = { protocolVersion: version, clean: false, clientId, autoAssignTopicAlias: true } as const
        return new ResilientMqttClient({ ...soon, url: cutter.url, options })
      }
      const [publisher, subscriber] = [client('publisher'), client('subscriber')]
      ends.push(
        () => broker[Symbol.asyncDispose](),
        () => cutter.close(),
        async () => void (await Promise.all([publisher, subscriber].map((it) => it[Symbol.asyncDispose]()))),
      )
      const received: Record<string, number[]> = { 'numbers/1': [], 'numbers/2': [] }
      const receive = (topic: string, payload: Uint8Array) =>
        received[topic]?.push(Number(new TextDecoder().decode(payload)))
      await subscriber.connect()
      await subscriber.subscribe('numbers/+', ({ topic, payload }) => receive(topic, payload), { qos: 2 }).ready
      await publisher.connect()

      let done = 0
      const published = range(MESSAGES).map(async (n) => {
        const qos = n % 2 ? 1 : 2
        await publisher.publish(`numbers/${qos}`, String(n), { qos })
        done++
      })
      const all = Promise.all(published)
      for (const kill of range(KILLS)) {
        const moment = Math.floor((MESSAGES * (kill + random())) / (KILLS + 1))
        // Wait for both: if it is killed while it resumes a session, mosquitto 2.0 forgets which PUBREL it has sent, and sends
        // such a QoS 2 message again.
        await until(() => publisher.isConnected && subscriber.isConnected)
        const before = done
        // Wait for some progress: another test covers a broker that dies at the first packet.
        await until(() => done === MESSAGES || (done >= moment && done > before))
        await turns(Math.floor(random() * 30))
        cutter.cut()
        // mosquitto acknowledges before it saves, and would lose unsaved messages. Give it the time to save.
        await saved(broker)
        await broker.down()
        await broker.up()
        cutter.open()
      }
      await all
      await until(() => Object.values(received).every((numbers) => new Set(numbers).size === MESSAGES / 2))
      await publisher.publish('numbers/2', String(MESSAGES), { qos: 2 })
      await until(() => received['numbers/2']?.at(-1) === MESSAGES)

      const all1 = range(MESSAGES).filter((n) => n % 2 === 1)
      const all2 = range(MESSAGES + 1).filter((n) => n % 2 === 0)
      // QoS 1 messages may arrive more than once; their first arrivals are in order.
      expect([...new Set(received['numbers/1'])]).toEqual(all1)
      expect(received['numbers/2']).toEqual(all2)
      // Only the kills interrupted the connection.
      expect(publisher.status.counters.interruptions).toBe(KILLS)
    },
  )
})

/** Waits until the broker has saved everything that it received before this call. */
async function saved(broker: Mosquitto): Promise<void> {
  const database = join(broker.folder, 'mosquitto.db')
  for (let i = 0; i < 3; i++) {
    rmSync(database, { force: true })
    broker.signal('SIGUSR1')
    await until(() => existsSync(database))
  }
}
