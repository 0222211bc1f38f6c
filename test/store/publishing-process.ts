// Publishes durably until it is killed, and prints each message when it was accepted. With the run `drain` it only
// delivers the messages of earlier runs.
//
//   node publishing-process.js <url> <store> <run | drain>
import { setImmediate as turn } from 'node:timers/promises'

import { ResilientMqttClient } from '../../src/index.ts'

/** The number of messages of each QoS that are accepted together. */
const BURST = 10
/** The maximum number of waiting messages, so that the broker can keep up. */
const BACKLOG = 300

const [, , url = '', store = '', run = ''] = process.argv
const client = new ResilientMqttClient({ url, store, options: { clean: false } })
client.on('error', ({ error }) => {
  throw error
})

if (run === 'drain') {
  client.on('drained', () => tell('drained'))
  client.on('outboxRestored', ({ waiting, inFlight }) => tell(`restored ${waiting} ${inFlight}`))
  await client.connect()
  if (client.outbox.size + client.outbox.inFlight === 0) tell('drained')
} else {
  tell('begun')
  void client.connect()
  for (let n = 0; ; n += BURST) {
    await Promise.all(Array.from({ length: BURST }, (_, each) => publish(n + each)))
    while (client.outbox.size > BACKLOG) await turn()
  }
}

async function publish(n: number): Promise<void> {
  const accepted = ([1, 2] as const).map(async (qos) => {
    const payload = `${run}:${n}`
    await client.publish(`qos${qos}`, payload, { qos, durable: true }).accepted
    tell(`qos${qos} ${payload}`)
  })
  await Promise.all(accepted)
}

/** Writes to pipes are synchronous here, so they are complete when the process is killed. */
function tell(line: string): void {
  process.stdout.write(`${line}\n`)
}
