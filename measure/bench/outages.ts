import { Mosquitto } from '../lab/mosquitto.ts'
import { Proxy, type Direction } from '../lab/proxy.ts'
import { answersOf, packetIdOf, PacketScanner, PacketType, type ScannedPacket } from './packet-scanner.ts'
import type { PeerName } from './peers/peer.ts'
import { runWorker } from './run-worker.ts'

const WITHIN = 120_000

/** Splits the bytes of all connections into packets, and calls back with each packet. */
function packets(onPacket: (packet: ScannedPacket) => void) {
  const streams = new WeakMap<object, Record<Direction, PacketScanner>>()
  return (direction: Direction, chunk: Buffer, link: object) => {
    let scanners = streams.get(link)
    if (!scanners) {
      scanners = { toBroker: new PacketScanner(onPacket), toClient: new PacketScanner(onPacket) }
      streams.set(link, scanners)
    }
    scanners[direction].push(chunk)
  }
}

/**
 * Measures how subscriptions are restored after the broker restarted without sessions: the time from the first accepted
 * connection to the last SUBACK, and the number of SUBSCRIBE packets. The proxy reports the first connection, because
 * polling the broker from here would notice it later than the client does.
 */
export async function measureRestore(peer: PeerName, filters: number) {
  await using broker = await Mosquitto.start({ config: ['allow_anonymous true', 'max_queued_messages 0'] })
  let answered = 0
  let subscribes = 0
  let takenAt: number | undefined
  let connackAt = 0
  let restoredAt = 0
  let restored: (() => void) | undefined
  const onBytes = packets((packet) => {
    if (packet.type === PacketType.SUBSCRIBE) subscribes++
    if (packet.type === PacketType.CONNACK) connackAt = performance.now()
    if (packet.type !== PacketType.SUBACK) return
    answered += answersOf(packet)
    if (answered !== filters) return
    restoredAt = performance.now()
    restored?.()
  })
  const onTaken = () => void (takenAt ??= performance.now())
  await using proxy = await Proxy.start({ target: broker.port, onBytes, onTaken })
  const worker = runWorker({ kind: 'restore', peer, port: proxy.port, filters }, WITHIN)
  await worker.says('subscribed')
  await broker.down()
  answered = 0
  subscribes = 0
  takenAt = undefined
  const done = new Promise<void>((resolve) => (restored = resolve))
  await broker.up()
  await Promise.race([done, worker.result])
  worker.tell('end')
  await worker.result
  return { ms: restoredAt - (takenAt ?? Number.NaN), sinceConnack: restoredAt - connackAt, packets: subscribes }
}

/** Measures how unacknowledged publishes are sent again: the time from CONNACK to the last PUBACK, with a 20 ms round trip. */
export async function measureResend(peer: PeerName, messages: number) {
  const config = ['allow_anonymous true', 'max_inflight_messages 0', 'max_queued_messages 0']
  await using broker = await Mosquitto.start({ config })
  const acked = new Set<number>()
  let published = 0
  let connackAt = 0
  let resent: (() => void) | undefined
  let allPublished: (() => void) | undefined
  const onBytes = packets((packet) => {
    const { type } = packet
    if (type === PacketType.CONNACK) connackAt = performance.now()
    if (type === PacketType.PUBLISH && ++published === messages) allPublished?.()
    if (type === PacketType.PUBACK) acked.add(packetIdOf(packet))
    if (type === PacketType.PUBACK && acked.size === messages) resent?.()
  })
  await using proxy = await Proxy.start({ target: broker.port, onBytes })
  const worker = runWorker({ kind: 'resend', peer, port: proxy.port, messages }, WITHIN)
  await worker.says('connected')
  proxy.stall('toClient')
  const sent = new Promise<void>((resolve) => (allPublished = resolve))
  worker.tell('publish')
  await Promise.race([sent, worker.result])
  // Meanwhile the broker acknowledges all of them, but the stalled proxy keeps these acknowledgements from the client.
  await new Promise((resolve) => setTimeout(resolve, 300))
  acked.clear()
  const done = new Promise<void>((resolve) => (resent = resolve))
  proxy.delay = 10
  proxy.reset()
  await Promise.race([done, worker.result])
  // Both times are taken at the proxy, so the way to the client adds the same to both.
  const ms = performance.now() - connackAt
  worker.tell('end')
  await worker.result
  return { ms }
}
