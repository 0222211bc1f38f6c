#!/usr/bin/env bash
# mosquitto 2.0.11 sends a whole window of queued QoS 1 messages for each PUBACK, so it exceeds the client's Receive Maximum.
#
# A client on MQTT 5 has Receive Maximum 5, and more messages are queued for it. It gets 5. When it acknowledges one of them,
# mosquitto sends not 1 but 5 others, so that 9 are unacknowledged, then 13, 17 and so on. MQTT 5 forbids more than 5
# (§3.3.4, MQTT-3.3.4-9). With Receive Maximum 1 it keeps to the limit. On MQTT 3.1.1 the window is max_inflight_messages, 20
# by default, and is exceeded in the same way.
#
# Seen with Debian's mosquitto 2.0.11-1.2+deb12u2, mqtt-packet 9.0.2, Node 20.20, 10 of 10 times.
# Workaround: have room for more messages than Receive Maximum says.
#
# Needs Debian 12, whose packages are unpacked into a temporary folder and not installed.
set -euo pipefail
version=2.0.11-1.2+deb12u2
folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT
cd "$folder"
apt-get download -qq -o APT::Sandbox::User=root "mosquitto=$version" libdlt2 libwrap0 libnsl2 libtirpc3
for package in ./*.deb; do dpkg-deb -x "$package" root; done
npm init -y >/dev/null
npm install --silent --no-audit --no-fund --ignore-scripts mqtt-packet@9.0.2 >/dev/null 2>&1

cat >run.mjs <<'JS'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import mqttPacket from 'mqtt-packet'

const probe = createServer().listen(0, '127.0.0.1')
await once(probe, 'listening')
const { port } = probe.address()
probe.close()
writeFileSync('mosquitto.conf', `listener ${port} 127.0.0.1\nallow_anonymous true\nlog_dest none\n`)
const broker = spawn('root/usr/sbin/mosquitto', ['-c', 'mosquitto.conf'], { stdio: 'inherit' })
process.on('exit', () => broker.kill())
while (!(await accepts())) await new Promise((resolve) => setTimeout(resolve, 50))

function accepts() {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.end()))
    socket.on('error', () => resolve(undefined))
  })
}

/** A client that acknowledges nothing by itself. */
async function open(clientId, protocolVersion, receiveMaximum) {
  const socket = connect(port, '127.0.0.1')
  const parser = mqttPacket.parser({ protocolVersion })
  const heard = []
  const unacked = []
  parser.on('packet', (packet) => {
    heard.push(packet.cmd)
    if (packet.cmd === 'publish') unacked.push(packet.messageId)
    socket.emit('heard')
  })
  socket.on('data', (chunk) => parser.parse(chunk))
  const send = (packet) => socket.write(mqttPacket.generate(packet, { protocolVersion }))
  const count = (name) => heard.filter((each) => each === name).length
  const answered = async (name, packet) => {
    const before = count(name)
    send(packet)
    while (count(name) === before) await once(socket, 'heard')
  }
  const properties = receiveMaximum === undefined ? undefined : { receiveMaximum }
  await answered('connack', {
    ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion, clientId, clean: true, keepalive: 0, properties },
  })
  return {
    subscribe: () => answered('suback', { cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'd', qos: 1 }] }),
    publish: (messageId) =>
      answered('puback', { cmd: 'publish', topic: 'd', payload: 'x', qos: 1, messageId, dup: false, retain: false }),
    /** How many messages are unacknowledged when the broker has answered a PINGREQ. */
    async unacked() {
      await answered('pingresp', { cmd: 'pingreq' })
      return unacked.length
    },
    acknowledgeOne: () => send({ cmd: 'puback', messageId: unacked.shift() }),
    end: () => socket.destroy(),
  }
}

/** The numbers of unacknowledged messages: before the first acknowledgement, and after each of four. */
async function run(protocolVersion, receiveMaximum) {
  const name = `v${protocolVersion}-${receiveMaximum}`
  const client = await open(name, protocolVersion, receiveMaximum)
  await client.subscribe()
  const publisher = await open(`${name}-publisher`, protocolVersion)
  for (let id = 1; id <= 200; id++) await publisher.publish(id)
  const numbers = [await client.unacked()]
  for (let n = 0; n < 4; n++) {
    client.acknowledgeOne()
    numbers.push(await client.unacked())
  }
  client.end()
  publisher.end()
  return numbers.join(', ')
}

const rows = [
  ['MQTT 5, Receive Maximum 1', await run(5, 1), '1, 1, 1, 1, 1'],
  ['MQTT 5, Receive Maximum 5', await run(5, 5), '5, 9, 13, 17, 21'],
  ['MQTT 3.1.1, max_inflight_messages 20', await run(4), '20, 39, 58, 77, 96'],
]
for (const [name, seen] of rows) console.log(`${name}: ${seen} unacknowledged messages`)
process.exit(rows.every(([, seen, expected]) => seen === expected) ? 0 : 1)
JS

LD_LIBRARY_PATH="$(echo root/usr/lib/*-linux-gnu):$(echo root/lib/*-linux-gnu)" node run.mjs || { echo 'The behaviour has changed'; exit 1; }
