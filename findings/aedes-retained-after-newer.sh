#!/usr/bin/env bash
# aedes 1.2.0 sends a new subscriber the old retained message of a topic after the newer message that replaced it.
#
# It adds the subscription first, and then reads the retained messages through a stream that holds some of them ready. What is
# published meanwhile overtakes those: the subscriber gets the new value without the RETAIN flag, and then the old one with it. A
# subscriber that keeps the latest message of each topic is left with the old value until the next change, while a third client
# that subscribes later gets the new one. mosquitto 2.0.11 queues the retained messages when it handles SUBSCRIBE: 0 of 100.
#
# Seen with aedes 1.2.0, MQTT.js 5.16.0, Node 20.20, with QoS 0 and 1, and payloads of 1,000 and 20,000 bytes: 13 to 16 of 100
# topics, which are those that the stream held ready. With 10 bytes, all are sent before anything can be published.
# Workaround: put a time or a counter into the payload, or ignore a message with RETAIN on a topic that has delivered one without.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts aedes@1.2.0 mqtt@5.16.0 >/dev/null 2>&1

cat >run.mjs <<'JS'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { Aedes } from 'aedes'
import mqtt from 'mqtt'

const broker = await Aedes.createBroker()
const server = createServer(broker.handle).listen(0, '127.0.0.1')
await once(server, 'listening')
const url = `mqtt://127.0.0.1:${server.address().port}`
const topics = Array.from({ length: 100 }, (_, n) => `plant/${n}`)

const publisher = await mqtt.connectAsync(url, { reconnectPeriod: 0 })
const publish = (value) =>
  Promise.all(topics.map((topic) => publisher.publishAsync(topic, value.padEnd(20_000), { qos: 1, retain: true })))
await publish('old')

const subscriber = await mqtt.connectAsync(url, { reconnectPeriod: 0 })
const received = Object.fromEntries(topics.map((topic) => [topic, []]))
const isComplete = () => topics.every((topic) => received[topic].length === 2)
let updating
subscriber.on('message', (topic, payload, { retain }) => {
  received[topic].push(payload.toString().trim() + (retain ? ' (retained)' : ''))
  // The first retained message is here: all values change now.
  updating ??= publish('new')
})
await subscriber.subscribeAsync('plant/#', { qos: 1 })
while (!isComplete()) await once(subscriber, 'message')
await updating

const stale = topics.filter((topic) => received[topic].at(-1) === 'old (retained)')
const [example = topics[0]] = stale
console.log(`${stale.length} of ${topics.length} topics end with the old value: ${example} got ${received[example].join(', then ')}`)
const later = await mqtt.connectAsync(url, { reconnectPeriod: 0 })
const value = once(later, 'message')
await later.subscribeAsync(example)
console.log(`a later subscriber gets: ${(await value)[1].toString().trim()}`)
process.exit(stale.length > 0 ? 0 : 1)
JS

timeout 60 node run.mjs || { echo 'The behaviour has changed'; exit 1; }
