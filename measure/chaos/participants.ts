import { setTimeout as sleep } from 'node:timers/promises'

import type { Qos } from '../../src/api/message.ts'
import { seeded } from '../lab/seeded.ts'
import { tls } from '../lab/tls-fixture.ts'
import type { ChaosBroker, Transport } from './broker.ts'
import type { ChaosClient } from './clients/client.ts'
import { connectMqttjs } from './clients/mqttjs.ts'
import { connectOurs, neverAccepted } from './clients/ours.ts'
import { DurablePublisher } from './durable-publisher.ts'
import { eventually } from './eventually.ts'
import { Ledger, nameOf, payloadOf, type Stream } from './ledger.ts'
import { Network } from './network.ts'
import type { ChaosOptions } from './options.ts'
import { Readiness } from './readiness.ts'
import { ChaosRecordings } from './recordings.ts'

const QOS: readonly Qos[] = [0, 1, 2]
const PUBLISHERS = ['p1', 'p2', 'p3']
const SUBSCRIBERS = ['s1', 's2']
/** The publisher in a separate process. */
const DURABLE = 'd'
/** The others use plain TCP. */
const TRANSPORTS: Readonly<Record<string, Transport>> = { s1: 'ws', s2: 'mqtts', p2: 'mqtts', p3: 'ws' }
/** Messages per second, for each publisher and QoS. */
const RATE = 40
const STARTED_WITHIN = 10_000
const DRAINED_WITHIN = 60_000

/** In seconds. */
export const KEEPALIVE = 2

/**
 * Opens a proxy for each client. MQTT.js has no durable publisher, but a proxy for it exists, so that the same seed chooses
 * the same faults.
 */
export function openNetwork({ ports }: ChaosBroker): Promise<Network> {
  const names = [...SUBSCRIBERS, ...PUBLISHERS, DURABLE]
  return Network.open(Object.fromEntries(names.map((name) => [name, ports[transportOf(name)]])))
}

function transportOf(name: string): Transport {
  return TRANSPORTS[name] ?? 'mqtt'
}

/** All publishers and subscribers of a run, with the ledger of their messages. */
export class Participants implements AsyncDisposable {
  readonly ledger = new Ledger()
  readonly recordings = new ChaosRecordings()
  readonly readiness = new Readiness([...SUBSCRIBERS, ...PUBLISHERS])
  readonly #options: ChaosOptions
  readonly #broker: ChaosBroker
  readonly #network: Network
  readonly #clients = new Map<string, ChaosClient>()
  readonly #durableStreams: readonly Stream[]
  readonly #timers: ReturnType<typeof setInterval>[] = []
  #durable: DurablePublisher | undefined

  /** Starts the clients. Resolves when they are connected and publish. */
  static async start(options: ChaosOptions, broker: ChaosBroker, network: Network): Promise<Participants> {
    const participants = new Participants(options, broker, network)
    for (const name of SUBSCRIBERS) participants.#subscribe(name)
    await participants.#connected(SUBSCRIBERS)
    await sleep(300)
    for (const name of PUBLISHERS) participants.#connect(name)
    await participants.#connected(PUBLISHERS)
    await participants.#publish()
    return participants
  }

  private constructor(options: ChaosOptions, broker: ChaosBroker, network: Network) {
    this.#options = options
    this.#broker = broker
    this.#network = network
    const durableQos: readonly Qos[] = options.client === 'ours' ? [1, 2] : []
    this.#durableStreams = durableQos.map((qos) => this.ledger.add(`chaos/q${qos}/${DURABLE}`, qos, SUBSCRIBERS))
  }

  get publisherProxies() {
    return this.#network.without(SUBSCRIBERS)
  }

  /** Times from a lost connection until messages flowed again, of all clients, in milliseconds. */
  get downtimes(): number[] {
    return [...this.#clients.values()].flatMap(({ downtimes }) => downtimes)
  }

  /** `undefined` if there is no process to kill. */
  get killProcess(): (() => Promise<void>) | undefined {
    return this.#durable && (() => this.#durable?.kill() ?? Promise.resolve())
  }

  async subscribersReady(within: number): Promise<void> {
    await this.readiness.whenReady(within, SUBSCRIBERS)
    await sleep(300)
  }

  /** Resolves to whether all acknowledged messages have arrived in time. */
  arrived(within: number): Promise<boolean> {
    return eventually(() => this.ledger.reliable.every(({ arrived }) => arrived), within)
  }

  /** Stops publishing, and resolves when all messages have settled and arrived, or after a timeout. */
  async drain(): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    const own = this.ledger.streams.filter((stream) => !this.#durableStreams.includes(stream))
    await eventually(() => own.every(({ pending }) => pending === 0), DRAINED_WITHIN)
    await this.#durable?.drained(DRAINED_WITHIN)
    await this.arrived(10_000)
    // A duplicate would arrive in this time.
    await sleep(500)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const timer of this.#timers) clearInterval(timer)
    const clients = [...this.#clients.values()]
    this.#clients.clear()
    await Promise.all(clients.map((client) => client.end()))
    await this.#durable?.[Symbol.asyncDispose]()
  }

  #connect(name: string): ChaosClient {
    const transport = transportOf(name)
    const connect = this.#options.client === 'ours' ? connectOurs : connectMqttjs
    const client = connect({
      url: `${transport}://127.0.0.1:${this.#network.portOf(name)}`,
      clientId: `chaos-${name}`,
      protocolVersion: this.#options.protocolVersion,
      tlsCa: transport === 'mqtts' ? String(tls.cert) : undefined,
      keepalive: KEEPALIVE,
      recording: this.recordings.clients,
      password: () => this.#broker.password,
      onReady: (ready) => this.readiness.changed(name, ready),
    })
    this.#clients.set(name, client)
    return client
  }

  #subscribe(name: string): void {
    const client = this.#connect(name)
    for (const qos of QOS) {
      client.subscribe(`chaos/q${qos}/#`, qos, (topic, payload) => this.ledger.received(name, topic, payload))
    }
  }

  async #connected(names: readonly string[]): Promise<void> {
    if (await this.readiness.whenReady(STARTED_WITHIN, names)) return
    throw new Error(`${names.join(', ')} did not connect, although no fault has happened yet`)
  }

  /** Resolves when each publisher has had a message accepted, or after a timeout: the separate process has to start. */
  async #publish(): Promise<void> {
    const randomSize = seeded(this.#options.seed + 1)
    for (const name of PUBLISHERS) {
      for (const qos of QOS) {
        const stream = this.ledger.add(`chaos/q${qos}/${name}`, qos, SUBSCRIBERS)
        this.#each(() => this.#publishOne(name, stream, randomSize))
      }
    }
    if (this.#options.client === 'ours') await this.#startDurable()
    await eventually(() => this.ledger.reliable.every(({ sent }) => sent.size > 0), STARTED_WITHIN)
  }

  async #startDurable(): Promise<void> {
    const { protocolVersion } = this.#options
    const url = `mqtt://127.0.0.1:${this.#network.portOf(DURABLE)}`
    const settings = { url, clientId: `chaos-${DURABLE}`, protocolVersion, recording: this.recordings.durable }
    const durable = await DurablePublisher.start(settings, this.#durableStreams, () => this.#broker.password)
    this.#durable = durable
    this.#each(() => {
      for (const stream of this.#durableStreams) durable.publish(stream, 40)
    })
  }

  #each(publish: () => void): void {
    this.#timers.push(setInterval(publish, 1_000 / RATE))
  }

  #publishOne(name: string, stream: Stream, randomSize: () => number): void {
    const n = stream.next()
    // Some messages are large enough for several TCP segments.
    const padding = Math.floor(randomSize() < 0.1 ? 8_000 * randomSize() : 100 * randomSize())
    stream.accepted(n)
    this.#clients
      .get(name)
      ?.publish(stream.topic, payloadOf(n, padding), stream.qos)
      .then(
        () => stream.acknowledged(n),
        (error: unknown) => {
          if (neverAccepted(error)) stream.refused(n, nameOf(error))
          else stream.rejected(n, nameOf(error))
        },
      )
  }
}
