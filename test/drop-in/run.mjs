// Runs applications from npm that use MQTT.js, on the drop-in, through an outage of mosquitto, and prints a table.
//
//   node run.mjs [app …]
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ResilientMqttClient } from 'xstate-mqtt'

const apps = {
  'async-mqtt': { name: 'async-mqtt', load: () => import('./apps/async-mqtt.mjs') },
  'graphql-mqtt-subscriptions': {
    name: 'graphql-mqtt-subscriptions',
    load: () => import('./apps/graphql-mqtt-subscriptions.mjs'),
  },
  'mqtt-react-hooks': { name: 'mqtt-react-hooks', load: () => import('./apps/mqtt-react-hooks.mjs') },
  nestjs: { name: '@nestjs/microservices', load: () => import('./apps/nestjs.mjs') },
  'ngx-mqtt': { name: 'ngx-mqtt', load: () => import('./apps/ngx-mqtt.mjs') },
  'node-red': { name: 'node-red', load: () => import('./apps/node-red.mjs') },
  'sparkplug-client': { name: 'sparkplug-client', load: () => import('./apps/sparkplug-client.mjs') },
  zigbee2mqtt: { name: 'zigbee2mqtt', load: () => import('./apps/zigbee2mqtt.mjs') },
}

/** How long the broker is away, and how long things may take, in milliseconds. */
const OUTAGE = 3_000
const PATIENCE = 20_000

const chosen = process.argv.slice(2)
const port = await freePort()
const url = `mqtt://127.0.0.1:${port}`
const rows = []
for (const [app, { name, load }] of Object.entries(apps)) {
  if (chosen.length > 0 && !chosen.includes(app)) continue
  rows.push(await through(app, name, await load()))
}
console.table(rows)
process.exit(rows.every(({ after }) => after !== 'nothing') ? 0 : 1)

/** Runs one application through an outage. */
async function through(app, name, { start }) {
  const { version } = JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), 'utf8'))
  let broker = await startBroker()
  const received = new Set()
  const seen = new Set()
  const chosenTopics = { into: `apps/${app}/in`, out: `apps/${app}/out` }
  const running = await start(url, chosenTopics, (text) => received.add(text))
  const { send, stop, topics = chosenTopics, encode = (text) => text, decode = String } = running
  const observer = new ResilientMqttClient({
    url,
    reconnect: { initialDelay: 20, maxDelay: 20, maxAttempts: Number.POSITIVE_INFINITY },
  })
  const subscription = observer.subscribe(topics.out, ({ payload }) => seen.add(decode(Buffer.from(payload))), {
    qos: 1,
  })
  await observer.connect()
  await subscription.ready
  const tell = (text) => observer.publish(topics.into, encode(text), { qos: 1 })

  const before = (await exchanged('before')) ? 'both ways' : 'nothing'
  await kill(broker)
  await sleep(500)
  for (const text of ['offline 1', 'offline 2']) void Promise.resolve(send(text)).catch(() => {})
  await sleep(OUTAGE)
  broker = await startBroker()
  await observer.waitFor('connected')
  const since = Date.now()
  const isBack = await exchanged('after')
  const after = isBack ? `both ways in ${((Date.now() - since) / 1_000).toFixed(1)} s` : 'nothing'
  await until(() => seen.has('offline 2'), 2_000)
  const offline = ['offline 1', 'offline 2'].filter((text) => seen.has(text)).length
  await Promise.race([stop(), sleep(2_000)])
  await observer[Symbol.asyncDispose]()
  await kill(broker)
  return { app: name, version, before, after, 'published offline': `${offline} of 2 delivered` }

  /** Sends in both directions until something arrives at each end. */
  async function exchanged(text) {
    return until(() => {
      void Promise.resolve(send(text)).catch(() => {})
      void tell(text).catch(() => {})
      return received.has(text) && seen.has(text)
    }, PATIENCE)
  }
}

async function startBroker() {
  const folder = mkdtempSync(join(tmpdir(), 'mosquitto-'))
  writeFileSync(join(folder, 'mosquitto.conf'), `listener ${port} 127.0.0.1\nallow_anonymous true\n`)
  const broker = spawn('mosquitto', ['-c', join(folder, 'mosquitto.conf')], { stdio: 'ignore' })
  await sleep(300)
  return broker
}

async function kill(broker) {
  const ended = new Promise((resolve) => broker.once('exit', resolve))
  broker.kill('SIGKILL')
  await ended
}

async function until(isSo, patience) {
  for (const end = Date.now() + patience; Date.now() < end; await sleep(100)) if (isSo()) return true
  return false
}

function sleep(ms) {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port: free } = server.address()
      server.close(() => resolve(free))
    })
  })
}
