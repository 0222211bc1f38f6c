import type { Failure } from '../../machines/failure.ts'
import type { Examination, Notes } from './examination.ts'
import { idleFindings } from './idle-findings.ts'
import { type Idle, IDLE_LIMIT, type IdleConnection, measureIdle } from './idle.ts'
import type { Lab } from './lab.ts'
import { dial, Line, type Route } from './mqtt/dial.ts'
import { UNSUBACK, type Version } from './mqtt/packets.ts'
import { announcedTo, versionOf } from './observed.ts'
import { measurePacketSize, packetSizeFindings, passer } from './packet-size.ts'
import { measurePings, measurePublishes, roundTripFindings } from './round-trip.ts'
import { measurePublish, measureSubscribe, publishFindings, subscribeFindings } from './topics.ts'

/** The checks that need a connection: topics, times, sizes, and beside them the idle timeout. */
export async function examineTraffic(lab: Lab, examination: Examination, route: Route, notes: Notes): Promise<void> {
  const version = versionOf(notes.observed)
  if (version === undefined) return
  const idle = examination.idle ? startIdle(lab, route, version, serverKeepAlive(notes)) : undefined
  // It is awaited below. At Ctrl-C, the other checks end first.
  idle?.catch(() => {})
  const line = new Line(lab, route, version)
  await examineTopics(lab, examination, line, notes)
  line.close()
  if (!idle) return
  const measured = await idle
  notes.observed = { ...notes.observed, idle: measured }
  notes.add(idleFindings(examination.target, measured, examination.keepalive, serverKeepAlive(notes)))
}

async function examineTopics(lab: Lab, examination: Examination, line: Line, notes: Notes): Promise<void> {
  const { subscribe, publish, packetSize } = examination
  const properties = announcedTo(notes.observed)
  const qos = properties?.maximumQoS === 0 ? 0 : 1
  if (subscribe.length > 0) {
    const permissions = await measureSubscribe(line, subscribe)
    notes.observed = { ...notes.observed, subscribe: permissions }
    notes.add(subscribeFindings(permissions))
  }
  if (publish.length > 0) {
    const permissions = await measurePublish(lab, line, { topics: publish, filters: subscribe, qos })
    notes.observed = { ...notes.observed, publish: permissions }
    notes.add(publishFindings(line.version, permissions))
  }
  await unsubscribe(line, subscribe)

  const topic = notes.observed.publish?.find(({ failure, code = 0 }) => !failure && code < 0x80)?.topic
  const roundTrips = [await measurePings(lab, line)]
  if (topic !== undefined && qos === 1) roundTrips.push(await measurePublishes(lab, line, topic))
  notes.observed = { ...notes.observed, roundTrips }
  notes.add(roundTrips.flatMap(roundTripFindings))

  if (topic === undefined) return
  const announced = properties?.maximumPacketSize
  const measured = await measurePacketSize(passer(lab, line, topic, qos), { wanted: packetSize, announced })
  notes.observed = { ...notes.observed, packetSize: measured }
  notes.add(packetSizeFindings(measured))
}

/** Large packets that the doctor publishes would come back. */
async function unsubscribe(line: Line, filters: readonly string[]): Promise<void> {
  if (filters.length === 0) return
  const opened = await line.open()
  if ('failure' in opened) return
  const { value: connection } = opened
  const messageId = connection.nextPacketId()
  await connection.exchange(
    { cmd: 'unsubscribe', messageId, unsubscriptions: [...filters] },
    ({ type, packetId }) => type === UNSUBACK && packetId === messageId,
    { what: 'the UNSUBACK' },
  )
}

function startIdle(lab: Lab, route: Route, version: Version, keepAlive: number | undefined): Promise<Idle> {
  const open = async (): Promise<IdleConnection | Failure> => {
    const outcome = await dial(lab, route, { version, keepalive: 0, isBeside: true })
    if ('failure' in outcome) return outcome.failure
    const { value: connection } = outcome
    const { code } = connection
    if (code !== 0) return { kind: 'refused', reasonCode: code, protocolVersion: version }
    return {
      ended: connection.ended,
      ping: async () => 'value' in (await connection.ping()),
      close: () => connection.close(),
    }
  }
  // Beyond its own keep alive, the broker itself may end a silent connection.
  return measureIdle(lab, open, Math.min(IDLE_LIMIT, keepAlive ?? IDLE_LIMIT))
}

/** In milliseconds; `undefined` if the broker announced none. */
function serverKeepAlive({ observed }: Notes): number | undefined {
  const seconds = announcedTo(observed)?.serverKeepAlive
  return seconds === undefined || seconds === 0 ? undefined : seconds * 1_000
}
