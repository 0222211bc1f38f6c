import mqtt from 'mqtt'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { expect, onTestFinished, test } from 'vitest'

import { compile } from '../../measure/lab/build.ts'
import { seeded } from '../../measure/lab/seeded.ts'
import { Waiters } from '../../testing/wait-for.ts'
import { howToInstall, installed, startMosquitto } from '../support/mosquitto.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'

const KILLS = process.env['CI'] === undefined ? 50 : 25
/** A process is killed at the latest when it has reported this number of accepted messages. */
const MOST_TOLD = 400

/** Here the publishing process is killed, not the broker. */
const dropNothing = ['persistence false', 'max_queued_messages 0', 'max_inflight_messages 0']

test.skipIf(!installed)(
  `what was accepted arrives, in order and with QoS 2 once, through ${KILLS} kills of its process${installed ? '' : ` (${howToInstall})`}`,
  { timeout: 240_000 },
  async () => {
    const broker = await startMosquitto({ config: dropNothing })
    onTestFinished(() => broker[Symbol.asyncDispose]())
    const { url } = broker
    const arrived = await listen(url)
    const script = await compile(new URL('../store/publishing-process.ts', import.meta.url))
    const store = join(temporaryFolder(), 'store')
    const random = seeded(20_26)
    const accepted: Record<string, string[]> = { qos1: [], qos2: [] }
    const start = (run: string) => startProcess(script, [url, store, run])

    for (let run = 0; run < KILLS; run++) {
      const publishing = start(String(run))
      await publishing.told('begun')
      // Some processes are killed while they open their store.
      await publishing.toldSoMany(Math.floor(Math.max(0, random() - 0.1) * MOST_TOLD))
      for (const line of await publishing.kill()) {
        const [topic = '', message = ''] = line.split(' ')
        accepted[topic]?.push(message)
      }
    }
    const draining = start('drain')
    await draining.told('drained')
    const restored = (await draining.kill()).find((line) => line.startsWith('restored')) ?? ''
    const resent = arrived.qos1.length - new Set(arrived.qos1).size

    for (const topic of ['qos1', 'qos2'] as const) {
      await arrived.all(topic, accepted[topic] ?? [])
      const first = [...new Set(arrived[topic])]
      expect(first).toEqual(first.toSorted((a, b) => place(a) - place(b)))
    }
    expect(arrived.qos2).toHaveLength(new Set(arrived.qos2).size)
    const { qos1 = [], qos2 = [] } = accepted
    console.log(`${KILLS} kills: accepted ${qos1.length} + ${qos2.length}, the last process ${restored},`)
    console.log(`arrived ${arrived.qos1.length} (${resent} of QoS 1 twice) + ${arrived.qos2.length}`)
    expect(qos1.length + qos2.length).toBeGreaterThan(KILLS * 10)
  },
)

/** The messages that arrive at a subscriber that stays connected. */
async function listen(url: string) {
  const client = await mqtt.connectAsync(url, { clientId: 'subscriber', reconnectPeriod: 0 })
  onTestFinished(() => client.endAsync(true))
  const arrived = { qos1: [] as string[], qos2: [] as string[] }
  const waiters = new Waiters(() => `Arrived: ${arrived.qos1.length} and ${arrived.qos2.length}`)
  client.on('message', (topic, payload) => {
    arrived[topic as 'qos1' | 'qos2'].push(String(payload))
    waiters.changed()
  })
  await client.subscribeAsync('+', { qos: 2 })
  return {
    ...arrived,
    /** Waits until all of these messages have arrived. */
    all(topic: 'qos1' | 'qos2', messages: readonly string[]): Promise<unknown> {
      const missing = new Set(messages)
      let seen = 0
      const look = () => {
        while (seen < arrived[topic].length) missing.delete(arrived[topic][seen++] ?? '')
        return missing.size === 0
      }
      return waiters.wait(`all of ${topic}`, look, { timeout: 30_000 }).catch((error: unknown) => {
        throw new Error(`lost: ${[...missing].slice(0, 20).join(' ')} (${missing.size})`, { cause: error })
      })
    },
  }
}

function startProcess(script: string, args: readonly string[]) {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  onTestFinished(() => void child.kill('SIGKILL'))
  const lines: string[] = []
  const waiters = new Waiters(() => `It told: ${lines.slice(-5).join(', ')}`)
  const reading = createInterface({ input: child.stdout })
  reading.on('line', (line) => {
    lines.push(line)
    waiters.changed()
  })
  const closed = Promise.all([once(child, 'close'), once(reading, 'close')])
  return {
    told: (line: string) => waiters.wait(line, () => lines.includes(line), { timeout: 60_000 }),
    toldSoMany: (count: number) => waiters.wait(`${count} lines`, () => lines.length >= count, { timeout: 60_000 }),
    /** @returns the messages that the process reported as accepted */
    async kill(): Promise<readonly string[]> {
      expect(child.exitCode).toBeNull()
      child.kill('SIGKILL')
      await closed
      return lines
    },
  }
}

/** A message's place in the order of publishing, over all runs. */
function place(message: string): number {
  const [run, n] = message.split(':').map(Number)
  return (run ?? 0) * 1e9 + (n ?? 0)
}
