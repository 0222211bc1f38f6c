import { type Finding, note, ok, warning } from './finding.ts'
import type { Lab } from './lab.ts'
import type { Line } from './mqtt/dial.ts'
import { PUBACK } from './mqtt/packets.ts'
import { span } from './words.ts'

/** The times of round trips, in milliseconds. */
export interface RoundTrips {
  readonly of: 'PINGREQ' | 'PUBLISH'
  readonly times: readonly number[]
  /** Whether the last one was not answered. */
  readonly isBroken: boolean
}

/** How many are made at most, one after the other. Publishes reach subscribers, so they are fewer. */
const MOST = { PINGREQ: 50, PUBLISH: 20 } as const

/** No more are begun after this time, in milliseconds. */
const BUDGET = 3_000

/** From here on the way is slow. In milliseconds. */
const SLOW = 2_000

/** Measures the way to the broker and back, by PINGREQ. It needs no topic. */
export function measurePings(lab: Lab, line: Line): Promise<RoundTrips> {
  return measure(lab, 'PINGREQ', async () => {
    const opened = await line.open()
    return 'value' in opened && 'value' in (await opened.value.ping())
  })
}

/** Measures how long the broker takes to acknowledge a publish of QoS 1. */
export function measurePublishes(lab: Lab, line: Line, topic: string): Promise<RoundTrips> {
  return measure(lab, 'PUBLISH', async () => {
    const opened = await line.open()
    if ('failure' in opened) return false
    const { value: connection } = opened
    const messageId = connection.nextPacketId()
    const answer = await connection.exchange(
      { cmd: 'publish', topic, payload: 'xstate-mqtt doctor', qos: 1, retain: false, dup: false, messageId },
      ({ type, packetId }) => type === PUBACK && packetId === messageId,
      { what: 'the PUBACK' },
    )
    return 'value' in answer
  })
}

export function roundTripFindings({ of, times, isBroken }: RoundTrips): readonly Finding[] {
  const what = of === 'PINGREQ' ? 'PINGREQ and PINGRESP' : 'a publish of QoS 1 and its PUBACK'
  if (isBroken) {
    return [
      warning(
        'round-trip',
        'no-answer',
        `One of ${times.length + 1} round trips of ${what} had no answer: packets are lost on the way, the broker hangs for a while, or it limits the number of packets in a second.`,
        'Run the doctor again. If it repeats, look at the load and the limits of the broker.',
      ),
    ]
  }
  if (times.length === 0) return [note('round-trip', 'none', 'No round trip was measured.')]
  const [p50, p99] = [percentile(times, 0.5), percentile(times, 0.99)]
  const text = `The round trip of ${what} takes ${span(p50)} (p50) and ${span(p99)} (p99), of ${times.length}.`
  if (p99 < SLOW) return [ok('round-trip', text)]
  return [
    warning(
      'round-trip',
      'slow',
      `${text} The way to the broker, or the broker, is slow or overloaded.`,
      'Look at the load of the broker and of the network. If it stays slow, raise timeouts.ackTimeout and timeouts.probeTimeout.',
    ),
  ]
}

/** The nearest-rank percentile. @param share - from 0 to 1 */
export function percentile(times: readonly number[], share: number): number {
  const sorted = times.toSorted((a, b) => a - b)
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}

async function measure(lab: Lab, of: RoundTrips['of'], once: () => Promise<boolean>): Promise<RoundTrips> {
  const times: number[] = []
  const begun = lab.clock.now()
  while (times.length < MOST[of] && lab.clock.now() - begun < BUDGET) {
    const start = lab.clock.now()
    if (!(await once())) return { of, times, isBroken: true }
    times.push(lab.clock.now() - start)
  }
  return { of, times, isBroken: false }
}
