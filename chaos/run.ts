import { setTimeout as sleep } from 'node:timers/promises'

import { Proxy } from '../bench/proxy.ts'
import { spreadOf } from '../bench/statistics.ts'
import { seeded } from '../test/policy/seeded.ts'
import { tls } from '../test/testing/tls-fixture.ts'
import { ChaosBroker } from './broker.ts'
import type { ChaosClient, ClientKind } from './clients/client.ts'
import { connectMqttjs } from './clients/mqttjs.ts'
import { connectOurs, neverAccepted } from './clients/ours.ts'
import { DurablePublisher } from './durable-publisher.ts'
import { faults, type Arena } from './faults.ts'
import { Ledger, payloadOf, type Qos, type Stream } from './ledger.ts'

export interface ChaosOptions {
  readonly seconds: number
  readonly seed: number
  readonly protocolVersion: 4 | 5
  readonly client: ClientKind
  /** Only these faults. */
  readonly only?: readonly string[]
  readonly log: (line: string) => void
}

const QOS: readonly Qos[] = [0, 1, 2]
const PUBLISHERS = ['p1', 'p2', 'p3']
const SUBSCRIBERS = ['s1', 's2']
/** In seconds. */
const KEEPALIVE = 2
/** Messages a second, of each publisher and QoS. */
const RATE = 40
const RECOVERED_WITHIN = 30_000
const DRAINED_WITHIN = 60_000

/** One run: everybody publishes and subscribes while faults fall; then all heals, and what was accepted is counted. */
export async function runChaos(options: ChaosOptions) {
  const { seconds, seed, client: kind, protocolVersion, log } = options
  // Faults have a chance of their own: what is published depends on the machine, the faults must not.
  const random = seeded(seed)
  const randomSize = seeded(seed + 1)
  const ledger = new Ledger()
  const handlesBefore = activeHandles().length
  const fallen: Record<string, number> = {}
  const recoveries: number[] = []
  let maxSockets = 0
  let publishing = true
  let downtimes: number[] = []

  {
    await using broker = await ChaosBroker.start()
    await using proxies = new Proxies()
    const connect = kind === 'ours' ? connectOurs : connectMqttjs
    // Every second client speaks TLS.
    const open = async (name: string, n: number): Promise<ChaosClient> => {
      const secure = n % 2 === 1
      const proxy = await proxies.open(secure ? broker.tlsPort : broker.port, name)
      return connect({
        url: `${secure ? 'mqtts' : 'mqtt'}://127.0.0.1:${proxy.port}`,
        clientId: `chaos-${name}`,
        protocolVersion,
        tlsCa: secure ? String(tls.cert) : undefined,
        keepalive: KEEPALIVE,
        password: () => broker.password,
      })
    }
    const subscribers = await Promise.all(SUBSCRIBERS.map(open))
    for (const [n, subscriber] of subscribers.entries()) {
      for (const qos of QOS) {
        subscriber.subscribe(`chaos/q${qos}/#`, qos, (topic, payload) => {
          ledger.received(SUBSCRIBERS[n] ?? '', topic, payload)
        })
      }
    }
    await eventually(() => subscribers.every(({ ready }) => ready), 10_000)
    await sleep(300)
    const publishers = await Promise.all(PUBLISHERS.map(open))
    await eventually(() => publishers.every(({ ready }) => ready), 10_000)
    const clients = [...subscribers, ...publishers]

    const streams = PUBLISHERS.map((name) => QOS.map((qos) => ledger.add(`chaos/q${qos}/${name}`, qos, SUBSCRIBERS)))
    const durableStreams =
      kind === 'ours' ? [ledger.add('chaos/q1/d', 1, SUBSCRIBERS), ledger.add('chaos/q2/d', 2, SUBSCRIBERS)] : []
    const durable = kind === 'ours' ? await startDurable() : undefined

    const timers = streams.flatMap((ofPublisher, n) =>
      ofPublisher.map((stream) =>
        setInterval(() => {
          const publisher = publishers[n]
          if (publishing && publisher) publishOne(publisher, stream)
        }, 1_000 / RATE),
      ),
    )
    if (durable) {
      const each = () => {
        if (publishing) for (const stream of durableStreams) durable.publish(stream, 40)
      }
      timers.push(setInterval(each, 1_000 / RATE))
    }

    const arena: Arena = {
      broker,
      proxies: proxies.all,
      publisherProxies: proxies.all.filter((proxy) => !SUBSCRIBERS.includes(proxies.nameOf(proxy))),
      random,
      keepalive: KEEPALIVE * 1_000,
      arrived: () => eventually(() => ledger.reliable.every(({ arrived }) => arrived), 5_000),
      subscribersReady: async () => {
        await eventually(() => subscribers.every(({ ready }) => ready), RECOVERED_WITHIN)
        await sleep(300)
      },
      forgotten: () => void ledger.epoch++,
      ...(durable && { killProcess: () => durable.kill() }),
    }

    const kinds = (options.only ?? Object.keys(faults)).filter((name) => durable || name !== 'processKilled')
    const end = Date.now() + seconds * 1_000
    while (Date.now() < end) {
      await sleep(200 + 1_000 * random())
      const chosen = choose(kinds, random)
      for (const name of chosen) fallen[name] = (fallen[name] ?? 0) + 1
      const begun = Date.now()
      await Promise.all(chosen.map(async (name) => faults[name]?.(arena)))
      const healed = Date.now()
      // A reset takes a moment until it is noticed.
      await sleep(50)
      const recovered = await eventually(() => clients.every(({ ready }) => ready), RECOVERED_WITHIN)
      if (recovered) recoveries.push(Date.now() - healed)
      log(
        `${chosen.join(' + ')}: ${healed - begun} ms, ${recovered ? `recovered in ${Date.now() - healed} ms` : 'NOT RECOVERED'}`,
      )
    }

    publishing = false
    for (const timer of timers) clearInterval(timer)
    await eventually(() => ledger.streams.every((stream) => isDurable(stream) || stream.pending === 0), DRAINED_WITHIN)
    if (durable) await durable.drained(DRAINED_WITHIN)
    await eventually(() => ledger.reliable.every(({ arrived }) => arrived), 10_000)
    // A duplicate would come about now.
    await sleep(500)
    downtimes = clients.flatMap((client) => client.downtimes)
    maxSockets = Math.max(...proxies.all.map(({ mostSockets }) => mostSockets))
    await Promise.all(clients.map((client) => client.end()))
    await durable?.[Symbol.asyncDispose]()

    function publishOne(publisher: ChaosClient, stream: Stream): void {
      const n = stream.next()
      // Some are large enough to take several TCP segments.
      const padding = Math.floor(randomSize() < 0.1 ? 8_000 * randomSize() : 100 * randomSize())
      stream.accepted(n)
      publisher.publish(stream.topic, payloadOf(n, padding), stream.qos).then(
        () => stream.acknowledged(n),
        (error: unknown) => {
          if (neverAccepted(error)) stream.sent.delete(n)
          else stream.rejected(n, error instanceof Error ? error.name : String(error))
        },
      )
    }

    async function startDurable() {
      const proxy = await proxies.open(broker.port, 'd')
      const url = `mqtt://127.0.0.1:${proxy.port}`
      return DurablePublisher.start(
        { url, clientId: 'chaos-d', protocolVersion },
        durableStreams,
        () => broker.password,
      )
    }

    function isDurable(stream: Stream): boolean {
      return durableStreams.includes(stream)
    }
  }

  await sleep(300)
  const leaked = activeHandles().slice(handlesBefore)
  const summary = ledger.summary()
  return {
    seconds,
    seed,
    client: kind,
    protocol: protocolVersion,
    faults: fallen,
    ...summary,
    recoveries: recoveries.length,
    medianRecoveryMs: recoveries.length === 0 ? null : spreadOf(recoveries).median,
    medianDowntimeMs: downtimes.length === 0 ? null : spreadOf(downtimes).median,
    maxSockets,
    leakedHandles: leaked.length,
    leaked,
  }
}

export type ChaosReport = Awaited<ReturnType<typeof runChaos>>

/** Proxies by the name of their client. */
class Proxies implements AsyncDisposable {
  readonly all: Proxy[] = []
  readonly #names = new Map<Proxy, string>()

  async open(target: number, name: string): Promise<Proxy> {
    const proxy = await Proxy.start({ target })
    this.all.push(proxy)
    this.#names.set(proxy, name)
    return proxy
  }

  nameOf(proxy: Proxy): string {
    return this.#names.get(proxy) ?? ''
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.all.map((proxy) => proxy[Symbol.asyncDispose]()))
  }
}

/** One fault, and now and then two at a time; but what takes the broker away falls alone. */
function choose(kinds: readonly string[], random: () => number): readonly string[] {
  const pick = () => kinds[Math.floor(random() * kinds.length)] ?? ''
  const first = pick()
  const second = pick()
  const alone = (name: string) => /^(broker|sessions|password)/.test(name)
  if (random() < 0.25 && first !== second && !alone(first) && !alone(second)) return [first, second]
  return [first]
}

async function eventually(holds: () => boolean, within: number): Promise<boolean> {
  const deadline = Date.now() + within
  while (!holds()) {
    if (Date.now() > deadline) return false
    await sleep(20)
  }
  return true
}

/** Sockets, servers, timers and processes that would keep this one alive. */
function activeHandles(): string[] {
  const kept = /^(TCP|TLS|Pipe|Timeout|Immediate|Process|FSReq)/
  return process.getActiveResourcesInfo().filter((name) => kept.test(name))
}
