import type { Failure } from '../../machines/failure.ts'
import { reasonWithCode } from '../../src/api/reason-codes.ts'
import { FIRST_ERROR } from '../../src/wire/packets.ts'
import { fault, type Finding, note, ok, warning } from './finding.ts'
import type { Lab } from './lab.ts'
import type { Line } from './mqtt/dial.ts'
import { encode, PUBACK, type Received } from './mqtt/packets.ts'
import type { Outcome } from './way.ts'
import { inWords, size } from './words.ts'

/** What came of a publish of one size. */
export type Passage =
  | { readonly passed: true }
  | { readonly passed: false; readonly code?: number; readonly failure?: Failure }

export interface PacketSize {
  /** The largest packet that went through, in bytes; 0 if none did. */
  readonly largest: number
  /** The smallest one that did not, and why. */
  readonly stopped?: { readonly bytes: number } & Exclude<Passage, { readonly passed: true }>
  /** What was tried at most: what was asked for, or less if the broker announced less. */
  readonly limit: number
  readonly announced?: number
}

/** In bytes, of the whole PUBLISH. */
export const DEFAULT_LIMIT = 1_048_576
const SMALLEST = 128

/** Each size that does not pass may cost a connection, so the search ends at a rough result. */
const MOST_TRIES = 12
const ACCURACY = 1 / 32

/** Finds the largest packet that passes, by bisection. The broker is given nothing above what it announced. */
export async function measurePacketSize(
  passes: (bytes: number) => Promise<Passage>,
  { wanted, announced }: { readonly wanted: number; readonly announced?: number | undefined },
): Promise<PacketSize> {
  const limit = Math.min(wanted, announced ?? Number.POSITIVE_INFINITY)
  const known = { limit, ...(announced !== undefined && { announced }) }
  const all = await passes(limit)
  if (all.passed) return { largest: limit, ...known }
  let [largest, stopped] = [0, { bytes: limit, ...all }]
  let next = Math.min(SMALLEST, limit)
  for (let tries = 1; tries < MOST_TRIES && stopped.bytes - largest > Math.max(16, stopped.bytes * ACCURACY); tries++) {
    const passage = await passes(next)
    if (passage.passed) largest = next
    else stopped = { bytes: next, ...passage }
    if (largest === 0) break
    // The sizes lie far apart, so the middle is the geometric one until they are near.
    next = Math.round(stopped.bytes > 4 * largest ? Math.sqrt(largest * stopped.bytes) : (largest + stopped.bytes) / 2)
  }
  return { largest, stopped, ...known }
}

/** Publishes a packet of exactly this size, not retained. */
export function passer(lab: Lab, line: Line, topic: string, qos: 0 | 1): (bytes: number) => Promise<Passage> {
  return async (bytes) => {
    const opened = await line.open()
    if ('failure' in opened) return { passed: false, failure: opened.failure }
    const { value: connection } = opened
    const messageId = connection.nextPacketId()
    const packet = (payload: Buffer) =>
      ({ cmd: 'publish', topic, payload, qos, retain: false, dup: false, ...(qos > 0 && { messageId }) }) as const
    const overhead = encode(packet(Buffer.alloc(bytes)), line.version).length - bytes
    const what = `a packet of ${size(bytes)}`
    const atMost = 2 * lab.patience
    const payload = packet(Buffer.alloc(Math.max(0, bytes - overhead)))
    if (qos === 0) connection.send(payload)
    const answer =
      qos === 0
        ? await connection.ping(atMost)
        : await connection.exchange(payload, ({ type, packetId }) => type === PUBACK && packetId === messageId, {
            what,
            atMost,
          })
    if ('failure' in answer) line.close()
    return passageOf(answer)
  }
}

export function packetSizeFindings(measured: PacketSize): readonly Finding[] {
  const { largest, stopped, limit, announced } = measured
  const asAnnounced = announced !== undefined && announced <= limit
  if (!stopped) {
    const bound = asAnnounced ? 'the most that the broker announced' : 'the most that was tried: see --packet-size'
    return [ok('packet-size', `A packet of ${size(limit)} goes through, ${bound}.`)]
  }
  const why = reasonOf(stopped)
  if (largest === 0) {
    return [
      fault(
        'packet-size',
        'none',
        `Not even a packet of ${size(stopped.bytes)} goes through: ${why}.`,
        'Look at the log of the broker.',
      ),
    ]
  }
  const text = `Packets of up to ${size(largest)} go through, and one of ${size(stopped.bytes)} does not: ${why}.`
  if (asAnnounced) {
    return [
      warning(
        'packet-size',
        'below-announced',
        `${text} The broker announced ${size(announced)}, so something on the way, or another rule of the broker, allows less.`,
        'Look for limits of the proxies on the way, and of messages in the configuration of the broker. Keep messages below this size.',
      ),
    ]
  }
  return [
    note(
      'packet-size',
      'limit',
      `${text} ${announced === undefined ? 'The broker has not announced this limit, so keep messages below it.' : ''}`.trim(),
    ),
  ]
}

function reasonOf({ code, failure }: { readonly code?: number; readonly failure?: Failure }): string {
  if (code !== undefined) return `the broker refuses it, ${reasonWithCode(code)}`
  if (failure?.kind === 'timeout') return 'no acknowledgement comes in time'
  return failure ? `the connection ends (${inWords(failure)})` : 'the connection ends'
}

function passageOf(answer: Outcome<Received>): Passage {
  if ('failure' in answer) return { passed: false, failure: answer.failure }
  const [code = 0] = answer.value.type === PUBACK ? answer.value.codes : []
  return code < FIRST_ERROR ? { passed: true } : { passed: false, code }
}
