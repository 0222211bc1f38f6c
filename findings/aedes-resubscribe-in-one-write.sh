#!/usr/bin/env bash
# aedes 1.2.0 loses a subscription when SUBSCRIBE, UNSUBSCRIBE and SUBSCRIBE of the same filter arrive in one write.
#
# It acknowledges all three in order, and the SUBACK grants the filter. But it handles the packets of a client concurrently,
# and the UNSUBSCRIBE finishes last, so the client receives no messages afterwards. If each packet is sent after the
# acknowledgement of the one before, the result is correct. mosquitto 2.0.11 is correct either way.
#
# Seen with aedes 1.2.0, mqtt-packet 9.0.2, Node 20.20: 20 of 20 clients receive nothing afterwards.
# Workaround: wait for the UNSUBACK before you subscribe to the same filter again.
set -euo pipefail
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts aedes@1.2.0 mqtt-packet@9.0.2 >/dev/null 2>&1

cat >run.mjs <<'JS'
import { createServer, connect } from 'node:net'
import { once } from 'node:events'
import { Aedes } from 'aedes'
import mqttPacket from 'mqtt-packet'

const broker = await Aedes.createBroker()
const server = createServer(broker.handle).listen(0, '127.0.0.1')
await once(server, 'listening')
const { port } = server.address()

const subscribe = (messageId) => ({ cmd: 'subscribe', messageId, subscriptions: [{ topic: 'd', qos: 0 }] })
const unsubscribe = { cmd: 'unsubscribe', messageId: 2, unsubscriptions: ['d'] }
const publish = { cmd: 'publish', topic: 'd', payload: 'x', qos: 0, dup: false, retain: false }

/** Writes groups of packets, each after the previous group is acknowledged; then publishes, and counts the messages. */
async function run(clientId, groups) {
  const socket = connect(port, '127.0.0.1')
  const parser = mqttPacket.parser({ protocolVersion: 4 })
  const heard = []
  parser.on('packet', (packet) => {
    heard.push(packet.cmd)
    socket.emit('heard')
  })
  socket.on('data', (chunk) => parser.parse(chunk))
  const count = (...names) => heard.filter((each) => names.includes(each)).length
  const until = async (holds) => {
    while (!holds()) await once(socket, 'heard')
  }
  const write = (packets) => socket.write(Buffer.concat(packets.map((packet) => mqttPacket.generate(packet))))
  write([{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId, clean: true, keepalive: 0 }])
  await until(() => count('connack') === 1)
  let written = 0
  for (const group of groups) {
    write(group)
    written += group.length
    await until(() => count('suback', 'unsuback') === written)
  }
  write([publish])
  // aedes may answer a PINGREQ before it delivers a message, so the only way to see that none comes is to wait.
  await new Promise((resolve) => setTimeout(resolve, 200))
  socket.destroy()
  return count('publish')
}

let deaf = 0
let control = 0
for (let n = 0; n < 20; n++) {
  if ((await run(`a${n}`, [[subscribe(1), unsubscribe, subscribe(3)]])) === 0) deaf++
  if ((await run(`b${n}`, [[subscribe(1)], [unsubscribe], [subscribe(3)]])) === 1) control++
}
console.log(`in one write: ${deaf} of 20 clients get no messages afterwards`)
console.log(`one after another: ${control} of 20 clients get their message`)
server.close()
broker.close()
process.exit(deaf === 20 && control === 20 ? 0 : 1)
JS

node run.mjs || { echo 'The behaviour has changed'; exit 1; }
