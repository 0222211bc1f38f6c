#!/usr/bin/env bash
# mosquitto 2.0.11 never gives a message of a shared subscription to another client, after it has chosen one.
#
# Two clients share a subscription ($share/g/work), and one of them goes away without acknowledging anything. If its session ends
# with its connection, the messages that were chosen for it are lost, also those that were not sent to it yet. MQTT 5 says that
# the server should send them to another client of the group (§4.8.2). If its session is kept, every second message is still
# queued for it, although the other client is connected, and waits until it is back.
#
# Seen with Debian's mosquitto 2.0.11-1.2+deb12u2, mqtt 5.16.0, Node 20.20, each time.
# Workaround: a kept session and a fixed client id for each client, which comes back under it.
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
npm install --silent --no-audit --no-fund --ignore-scripts mqtt@5.16.0 >/dev/null 2>&1

cat >run.mjs <<'JS'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import mqtt from 'mqtt'

const probe = createServer().listen(0, '127.0.0.1')
await once(probe, 'listening')
const { port } = probe.address()
probe.close()
writeFileSync(
  'mosquitto.conf',
  `listener ${port} 127.0.0.1\nallow_anonymous true\nlog_dest none\nmax_queued_messages 0\n`,
)
const broker = spawn('root/usr/sbin/mosquitto', ['-c', 'mosquitto.conf'], { stdio: 'inherit' })
process.on('exit', () => broker.kill())
while (!(await accepts())) await sleep(50)

function accepts() {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(socket.end()))
    socket.on('error', () => resolve(undefined))
  })
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** A client of the group. With `acknowledges: false`, it keeps the first message, so it acknowledges nothing. */
async function worker(clientId, clean, acknowledges = true) {
  const client = mqtt.connect(`mqtt://127.0.0.1:${port}`, {
    ...{ protocolVersion: 5, clientId, clean, reconnectPeriod: 0 },
    ...(!clean && { properties: { sessionExpiryInterval: 3_600 } }),
  })
  const got = new Set()
  client.handleMessage = ({ payload }, done) => {
    got.add(String(payload))
    if (acknowledges) done()
  }
  await once(client, 'connect')
  await new Promise((resolve) => client.subscribe('$share/g/work', { qos: 1 }, resolve))
  return { client, got }
}

/** How many of 100 + 100 messages arrive: before the second client is back, and after that. */
async function run(clean) {
  const name = clean ? 'clean' : 'kept'
  const staying = await worker(`${name}-1`, clean)
  const leaving = await worker(`${name}-2`, clean, false)
  const publisher = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { protocolVersion: 5 })
  const publish = async (from) => {
    for (let n = from; n < from + 100; n++) await publisher.publishAsync('work', String(n), { qos: 1 })
    await sleep(500)
  }
  await publish(0)
  leaving.client.stream.destroy()
  await sleep(500)
  await publish(100)
  const without = staying.got.size
  const back = await worker(`${name}-2`, clean)
  await sleep(1_000)
  const together = new Set([...staying.got, ...back.got]).size
  for (const client of [staying.client, back.client, publisher]) await client.endAsync(true)
  return `${without}, ${together}`
}

const rows = [
  ['no kept session', await run(true), '150, 150'],
  ['kept session', await run(false), '100, 200'],
]
for (const [name, seen] of rows) console.log(`${name}: of 200 messages arrived, before and after the return: ${seen}`)
process.exit(rows.every(([, seen, expected]) => seen === expected) ? 0 : 1)
JS

LD_LIBRARY_PATH="$(echo root/usr/lib/*-linux-gnu):$(echo root/lib/*-linux-gnu)" node run.mjs || { echo 'The behaviour has changed'; exit 1; }
