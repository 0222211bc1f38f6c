import { setTimeout as sleep } from 'node:timers/promises'

import {
  ConnectionFailedError,
  PublishRefusedError,
  SubscriptionRefusedError,
  type ConnectOptions,
  type Qos,
  type ResilientMqttClient,
  type ResilientMqttClientOptions,
} from '../../src/index.ts'
import { until } from '../support/event-loop.ts'
import { once, startClient } from '../support/recorded-client.ts'
import { inShort, hex } from './in-short.ts'
import type { FieldBroker } from './lab/product.ts'
import { MAX_CLIENTS, MAX_PACKET } from './lab/product.ts'

/** A client against a broker. */
export interface Scene {
  readonly broker: FieldBroker
  readonly protocolVersion: 4 | 5 | 'auto'
  /** A topic that only this scenario uses. */
  readonly topic: string
}

export type ScenarioName = keyof typeof scenarios

const patient = { timeout: 60_000 }

/** How long messages that may not come are waited for, in milliseconds. */
const QUIET = 1_500

const soon = {
  reconnect: { initialDelay: 50, maxDelay: 200, jitter: 'none', maxAttempts: Number.POSITIVE_INFINITY },
} as const satisfies Partial<ResilientMqttClientOptions>

/** Each scenario returns what it has seen: `ok` if it is what MQTT promises. */
export const scenarios = {
  'QoS 0, 1 and 2': exchange,
  "protocolVersion: 'auto'": findVersion,
  'denied filter': deniedFilter,
  'shared subscription': sharedSubscription,
  'unacked of 40': window,
  '1 MB': (scene: Scene) => large(scene, MAX_PACKET / 2),
  'too large': tooLarge,
  'too many clients': tooManyClients,
  takeover,
  restart,
} satisfies Record<string, (scene: Scene) => Promise<string>>

async function exchange(scene: Scene): Promise<string> {
  const { client } = start(scene, { ...once, timeouts: { connectTimeout: 3_000, ackTimeout: 3_000 } })
  const got: Qos[] = []
  client.subscribe(scene.topic, ({ qos }) => void got.push(qos), { qos: 2 })
  const failed = await failureOf(client.connect())
  if (failed) return failed
  for (const qos of [0, 1, 2] as const) {
    const refused = await failureOf(client.publish(scene.topic, `${qos}`, { qos }))
    if (refused) return `QoS ${qos}: ${refused}`
  }
  await until(() => got.length === 3, 'three messages')
  const highest = Math.max(...got)
  return highest === 2 ? 'ok' : `QoS 2 arrives as ${highest}`
}

/** At which attempt the client connects, and that it connects at the first after it knows the version. */
async function findVersion(scene: Scene): Promise<string> {
  const { client, path } = start(scene, { ...soon, timeouts: { connectTimeout: 3_000 } })
  const attempts = () => path().filter((state) => state === 'connecting').length
  await client.connect()
  await client.publish(scene.topic, '', { qos: 1 })
  const first = attempts()
  await client.disconnect()
  await client.connect()
  // What applies if it is not sent does not include the Session Expiry Interval, which MQTT 3.1.1 does not have.
  const version = client.status.broker?.sessionExpiry === undefined ? '3.1.1' : '5'
  return attempts() - first === 1 ? `${version} at attempt ${first}` : `${version}, not remembered`
}

async function deniedFilter(scene: Scene): Promise<string> {
  const { client, heard } = start(scene, soon)
  await client.connect()
  const subscribed = await outcomeOf(client.subscribe('denied/x', () => {}, { qos: 1 }).ready)
  const lost = heard('connectionInterrupted').length
  return lost > 0 ? `${subscribed}, ${lost} connections lost` : subscribed
}

async function sharedSubscription(scene: Scene): Promise<string> {
  const { client, told } = start(scene, soon)
  const { client: publisher } = start(scene)
  await Promise.all([client.connect(), publisher.connect()])
  let got = 0
  let suspended = false
  client.on('subscriptionSuspended', () => (suspended = true))
  const { ready } = client.subscribe(`$share/group/${scene.topic}`, () => void got++, { qos: 1 })
  const outcome = outcomeOf(ready)
  await Promise.race([outcome, until(() => suspended, 'a suspended filter', 30_000).catch(() => {})])
  const lost = told.filter(({ name }) => name === 'connectionInterrupted').length
  if (suspended && lost > 0) return 'closed, then left out'
  if ((await outcome) !== 'granted') return outcome
  for (let i = 0; i < 5; i++) await publisher.publish(scene.topic, '', { qos: 1 })
  await until(() => got === 5, 'the messages', QUIET).catch(() => {})
  return got === 5 ? 'ok' : 'granted, nothing comes'
}

/** How many messages arrive before the first acknowledgement. */
async function window(scene: Scene): Promise<string> {
  const { client } = start(scene)
  const { client: publisher } = start(scene)
  await Promise.all([client.connect(), publisher.connect()])
  let got = 0
  let release: () => void = () => {}
  const released = new Promise<void>((resolve) => (release = resolve))
  const handle = () => {
    got++
    return released
  }
  await client.subscribe(scene.topic, handle, { qos: 1, ack: 'after-handler' }).ready
  for (let i = 0; i < 40; i++) await publisher.publish(scene.topic, '', { qos: 1 })
  await sleep(QUIET)
  const before = got
  release()
  await until(() => got === 40, 'the other messages')
  return String(before)
}

async function large(scene: Scene, bytes: number): Promise<string> {
  const { client, heard } = start(scene, soon)
  let got = 0
  client.subscribe(scene.topic, ({ payload }) => void (got = payload.length), { qos: 1 })
  await client.connect()
  await client.publish(scene.topic, Buffer.alloc(bytes), { qos: 1 })
  await until(() => got === bytes, 'the message', 30_000)
  return heard('connectionInterrupted').length === 0 ? 'ok' : 'connection lost'
}

async function tooLarge(scene: Scene): Promise<string> {
  const { client } = start(scene, { ...soon, quarantine: { after: 1_000, initialDelay: 100, maxDelay: 500 } })
  await client.connect()
  let seen: string | undefined
  let got = false
  await client.subscribe(scene.topic, ({ payload }) => void (got ||= payload.length > 0), { qos: 1 }).ready
  void outcomeOf(client.publish(scene.topic, Buffer.alloc(MAX_PACKET * 1.5), { qos: 1 })).then(
    (outcome) => (seen = outcome),
  )
  // The publish counts as poison only if others are accepted meanwhile.
  while (seen === undefined) {
    await client.publish(scene.topic, '', { qos: 1 })
    await sleep(20)
  }
  if (seen !== 'granted') return seen
  await until(() => got, 'the message', QUIET).catch(() => {})
  return got ? 'ok' : 'acknowledged, nothing comes'
}

async function tooManyClients(scene: Scene): Promise<string> {
  // The count of mosquitto is not exact, so it is filled until it refuses a client.
  const clients = await fill(scene)
  const { client, heard, next } = start(scene, soon)
  const connected = client.connect()
  await next('reconnectScheduled', 5)
  const failures = heard('reconnectScheduled').map(({ failure }) => failure)
  await clients[0]?.disconnect()
  await connected
  const early = failures.every((failure) => 'beforeConnack' in failure && failure.beforeConnack)
  return early ? 'closed before the CONNACK, then ok' : failures.map(inShort).join(', ')
}

/** As many clients as the broker accepts. */
async function fill(scene: Scene): Promise<ResilientMqttClient[]> {
  const clients: ResilientMqttClient[] = []
  while (clients.length < 10 * MAX_CLIENTS) {
    const { client } = start(scene, once)
    if (await failureOf(client.connect())) return clients
    clients.push(client)
  }
  throw new Error(`the broker accepts ${clients.length} clients`)
}

async function takeover(scene: Scene): Promise<string> {
  const options = { clientId: scene.topic.replace('/', '-') }
  const first = start(scene, once, options)
  const second = start(scene, once, options)
  await first.client.connect()
  await second.client.connect()
  const { failure } = await first.next('gaveUp', 1, patient)
  await second.client.publish(scene.topic, 'x', { qos: 1 })
  return inShort(failure)
}

async function restart(scene: Scene): Promise<string> {
  const { client, next } = start(scene, soon, { clean: false, clientId: scene.topic.replace('/', '-') })
  const got: string[] = []
  const held = client.subscribe(scene.topic, (message) => void got.push(message.text()), { qos: 1 })
  await client.connect()
  await held.ready
  await scene.broker.down()
  await next('connectionInterrupted', 1, patient)
  const meanwhile = client.publish(scene.topic, 'meanwhile', { qos: 1 })
  await scene.broker.up()
  const { sessionPresent } = await next('connectionResumed', 1, patient)
  await meanwhile
  await until(() => got.includes('meanwhile'), 'the message')
  await client.disconnect()
  return sessionPresent ? 'ok' : 'ok, new session'
}

function start(
  { broker, protocolVersion }: Scene,
  client: Partial<ResilientMqttClientOptions> = {},
  options: ConnectOptions = {},
) {
  return startClient({ ...client, url: broker.url, options: { ...broker.options, ...options, protocolVersion } })
}

async function failureOf(promise: Promise<unknown>): Promise<string | undefined> {
  try {
    await promise
    return undefined
  } catch (error) {
    return error instanceof ConnectionFailedError ? inShort(error.failure) : String(error)
  }
}

async function outcomeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'granted'
  } catch (error) {
    if (error instanceof SubscriptionRefusedError && error.limit) return 'not sent: announced'
    if (error instanceof SubscriptionRefusedError || error instanceof PublishRefusedError) return hex(error.reasonCode)
    return error instanceof Error ? error.name : String(error)
  }
}
