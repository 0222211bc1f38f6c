/**
 * A Sparkplug B edge node. On each connection it publishes a birth certificate (NBIRTH) before all data (NDATA). Its will is
 * the death certificate (NDEATH) with the same `bdSeq`. Needs `npm install sparkplug-payload`.
 *
 *   npx tsx examples/sparkplug-edge-node.ts                                     outages of a broker in this process
 *   npx tsx examples/sparkplug-edge-node.ts mqtt://localhost:1883               your broker, until Ctrl-C
 *   INTERVAL=100 npx tsx examples/sparkplug-edge-node.ts mqtt://localhost:1883  a reading every 100 ms
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { format } from 'node:util'
import { get } from 'sparkplug-payload'
import { ResilientMqttClient, type BirthConnection } from 'xstate-mqtt'
import { createEmbeddedBroker } from 'xstate-mqtt/testing'

const sparkplug = get('spBv1.0')
if (!sparkplug) throw new Error('sparkplug-payload does not know spBv1.0')
const { encodePayload, decodePayload } = sparkplug

type Metric = NonNullable<Parameters<typeof encodePayload>[0]['metrics']>[number]

const REBIRTH = 'Node Control/Rebirth'

/** How many readings wait for a connection. */
const MAX_WAITING = 1_000

class EdgeNode {
  readonly client: ResilientMqttClient
  readonly #group: string
  readonly #node: string
  #bdSeq = 255
  #seq = 0
  /** The last reading. */
  #temperature: Metric = { name: 'temperature', type: 'Double', value: null, isNull: true }
  /** Readings that were not sent. */
  readonly #waiting: Metric[] = []
  /** Aborts when the next birth begins; `undefined` before the first birth, and during each. */
  #alive: AbortController | undefined

  constructor(url: string, group: string, node: string) {
    this.#group = group
    this.#node = node
    this.client = new ResilientMqttClient({
      url,
      // In production, leave out `reconnect`. Its default takes seconds, which is too long for an example.
      reconnect: { initialDelay: 200, maxDelay: 500 },
      // Each CONNECT has its own bdSeq. Some numbers are skipped, because an attempt may fail before its CONNECT. But no number
      // comes twice: the NDEATH of an earlier connection would otherwise end the node that has just been born.
      evaluateOptions: 'per-attempt',
      options: () => ({ clientId: `${group}-${node}`, will: this.#will() }),
      birth: (connection) => this.#birth(connection),
    })
    this.client.subscribe(
      this.#topic('NCMD'),
      ({ payload }) => {
        const { metrics } = decodePayload(payload)
        if (metrics?.some(({ name, value }) => name === REBIRTH && value === true)) this.#rebirth()
      },
      { qos: 1 },
    )
  }

  report(celsius: number): void {
    const reading: Metric = { name: 'temperature', type: 'Double', value: celsius, timestamp: Date.now() }
    this.#temperature = reading
    // Its seq is right only on this connection. If it can't be sent on it, the next birth withdraws it.
    if (this.#alive) {
      this.client
        .publish(this.#topic('NDATA'), this.#data([reading]), { signal: this.#alive.signal })
        .catch(() => this.#wait(reading))
    } else this.#wait(reading)
  }

  /** Ends the connection so that the broker publishes the will. */
  async stop(): Promise<void> {
    await this.client.disconnect({ reasonCode: 0x04 })
    await this.client[Symbol.asyncDispose]()
  }

  /** Called on each connection, before anything else is published on it. */
  async #birth({ publish, signal }: BirthConnection): Promise<void> {
    this.#alive?.abort()
    this.#alive = undefined
    await publish(this.#topic('NBIRTH'), this.#certificate())
    while (this.#waiting.length > 0) {
      const readings = this.#waiting.map((reading) => ({ ...reading, isHistorical: true }))
      await publish(this.#topic('NDATA'), this.#data(readings))
      this.#waiting.splice(0, readings.length)
    }
    signal.throwIfAborted()
    this.#alive = new AbortController()
  }

  /** A host application that has missed something asks for another NBIRTH. It has the same bdSeq. */
  #rebirth(): void {
    // During a birth it is about to get one.
    if (!this.#alive) return
    const { signal } = this.#alive
    this.client.publish(this.#topic('NBIRTH'), this.#certificate(), { signal }).catch(() => {})
  }

  #will() {
    this.#bdSeq = (this.#bdSeq + 1) % 256
    const payload = encodePayload({ timestamp: Date.now(), metrics: [this.#bdSeqMetric()] })
    return { topic: this.#topic('NDEATH'), payload, qos: 1 } as const
  }

  /** The payload of an NBIRTH: every metric that the node has. */
  #certificate(): Uint8Array {
    this.#seq = 0
    const rebirth: Metric = { name: REBIRTH, type: 'Boolean', value: false }
    return this.#data([this.#bdSeqMetric(), rebirth, this.#temperature])
  }

  #data(metrics: Metric[]): Uint8Array {
    const seq = this.#seq
    this.#seq = (seq + 1) % 256
    return encodePayload({ timestamp: Date.now(), seq, metrics })
  }

  #bdSeqMetric(): Metric {
    return { name: 'bdSeq', type: 'UInt64', value: this.#bdSeq }
  }

  #wait(reading: Metric): void {
    this.#waiting.push(reading)
    if (this.#waiting.length > MAX_WAITING) this.#waiting.shift()
  }

  #topic(type: 'NBIRTH' | 'NDEATH' | 'NDATA' | 'NCMD'): string {
    return `spBv1.0/${this.#group}/${type}/${this.#node}`
  }
}

const broker = process.argv[2] ? { url: process.argv[2] } : await createEmbeddedBroker()
const node = new EdgeNode(broker.url, 'factory', 'oven')

if ('stop' in broker) {
  const births: string[] = []
  broker.onPublish(({ topic, payload }) => {
    const type = topic.split('/')[2]
    if (type === 'NBIRTH') births.push(topic)
    const { seq = 'none', metrics } = decodePayload(payload)
    const values = metrics?.map(({ name, value, isHistorical }) =>
      format(isHistorical ? '%s=%s (historical)' : '%s=%s', name, value),
    )
    console.log('%s seq=%s %s', type, seq, values?.join(', '))
  })
  const born = async (n: number) => {
    while (births.length < n) await sleep(20)
  }
  await node.client.connect()
  await born(1)
  node.report(181.5)

  await sleep(200)
  console.log('the connection is cut')
  broker.kick()
  await born(2)

  console.log('the broker is stopped')
  await broker.stop()
  for (const celsius of [182, 182.5]) node.report(celsius)
  await broker.start()
  await born(3)
  await sleep(200)

  console.log('a host application asks for a rebirth')
  const command: Metric = { name: REBIRTH, type: 'Boolean', value: true }
  const payload = encodePayload({ timestamp: Date.now(), metrics: [command] })
  await broker.publish('spBv1.0/factory/NCMD/oven', Buffer.from(payload))
  await born(4)

  await node.stop()
  await sleep(200)
  await broker.stop()
} else {
  await node.client.connect()
  const timer = setInterval(
    () => node.report(180 + Math.round(Math.random() * 50) / 10),
    Number(process.env.INTERVAL ?? 1_000),
  )
  process.once('SIGINT', () => {
    clearInterval(timer)
    void node.stop()
  })
  console.log('Press Ctrl-C to end.')
}
