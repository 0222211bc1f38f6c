import type { Duplex } from 'node:stream'

import type { Failure } from '../../machines/failure.ts'
import { fromError } from '../../src/mqtt/failures.ts'
import { safeText } from '../../src/shared/safe-text.ts'
import { type Lab, within } from './lab.ts'
import { encode } from './mqtt/packets.ts'
import { openTcp, openTls, type Outcome, type Way } from './way.ts'

/** What a server speaks on one layer: right on TCP, or inside TLS. */
export interface Speech {
  readonly speaks: 'mqtt' | 'tls' | 'http' | 'other' | 'nothing'
  /** The first line of an answer in text, such as a status line or the banner of SSH. */
  readonly line?: string
  /** The code of the CONNACK to a CONNECT of MQTT 3.1.1 without a user name. */
  readonly connack?: number
  /** The value of the header `date`, in milliseconds since 1970. */
  readonly date?: number
  /** How it treats a CONNECT, if it speaks nothing that the doctor knows. */
  readonly ending?: 'silent' | 'closed' | 'reset'
}

export type Tongue = 'mqtt' | 'tls' | 'http'

/** How much of an answer is read. */
const MOST_BYTES = 1_024

/** Once something came, the rest of the first packet or head comes soon. In milliseconds. */
const REST = 50

/**
 * Says hello in one tongue, and in the others side by side if there is no answer, each on a connection of its own. Nothing
 * secret is said: the CONNECT has no user name and no password.
 *
 * @param open - opens the layer
 */
async function listen(
  lab: Lab,
  way: Way,
  open: () => Promise<Outcome<Duplex>>,
  [first, ...others]: readonly [Tongue, ...Tongue[]],
): Promise<Speech> {
  const say = async (tongue: Tongue): Promise<Speech> => {
    if (tongue === 'tls') return { speaks: (await speaksTls(lab, way)) ? 'tls' : 'nothing' }
    return ask(lab, open, tongue === 'http' ? httpHello(way) : mqttHello(lab), tongue)
  }
  const speech = await say(first)
  if (speech.speaks !== 'nothing') return speech
  const speeches = await Promise.all(others.map(say))
  return speeches.find(({ speaks }) => speaks !== 'nothing') ?? speech
}

/** What the server speaks right on TCP. */
export function listenOnTcp(lab: Lab, way: Way, tongues: readonly [Tongue, ...Tongue[]]): Promise<Speech> {
  return listen(lab, way, () => openTcp(lab, way), tongues)
}

/** What the server speaks inside TLS. */
export function listenInTls(lab: Lab, way: Way, tongues: readonly [Tongue, ...Tongue[]]): Promise<Speech> {
  return listen(lab, way, () => openTls(lab, way), tongues)
}

/** Recognizes a protocol by the first bytes of a server. */
function recognize(bytes: Buffer): Omit<Speech, 'ending'> {
  const [type = 0, second = 0] = bytes
  // A record of TLS: a handshake or an alert (RFC 8446 §5.1).
  if ((type === 0x16 || type === 0x15) && second === 3) return { speaks: 'tls' }
  // CONNACK (MQTT 3.1.1 §3.2): to a CONNECT of this version it has exactly two bytes.
  if (type === 0x20 && second >= 2 && bytes.length >= 4) return { speaks: 'mqtt', connack: bytes[3] ?? 0 }
  const head = bytes.toString('latin1')
  const line = safeText(head.split(/\r?\n/, 1)[0] ?? '').slice(0, 80)
  if (/^HTTP\/\d/.test(head)) {
    const date = Date.parse(/^date: *(.+?)\r?$/im.exec(head)?.[1] ?? '')
    return { speaks: 'http', line, ...(Number.isFinite(date) && { date }) }
  }
  return bytes.length === 0 ? { speaks: 'nothing' } : { speaks: 'other', line }
}

/** Whether the server answers a ClientHello with TLS: by a handshake, or by an alert. */
async function speaksTls(lab: Lab, way: Way): Promise<boolean> {
  let first = Buffer.alloc(0)
  const tap = (bytes: Buffer) => (first = Buffer.concat([first, bytes.subarray(0, 8)]))
  const outcome = await openTls(lab, way, { rejectUnauthorized: false, tap })
  if ('value' in outcome) outcome.value.destroy()
  return recognize(first).speaks === 'tls'
}

async function ask(lab: Lab, open: () => Promise<Outcome<Duplex>>, hello: Buffer, tongue: Tongue): Promise<Speech> {
  const outcome = await open()
  if ('failure' in outcome) return { speaks: 'nothing', ending: endingOf(outcome.failure) }
  const { value: stream } = outcome
  const heard: Buffer[] = []
  let ending: Speech['ending'] = 'silent'
  const answered = new Promise<void>((resolve) => {
    stream.on('data', (bytes: Buffer) => {
      heard.push(bytes)
      if (bytesIn(heard) >= MOST_BYTES) resolve()
      else lab.clock.setTimeout(resolve, REST)
    })
    stream.on('error', (error) => {
      ending = endingOf(fromError(error, undefined))
      resolve()
    })
    stream.once('end', () => {
      if (ending === 'silent') ending = 'closed'
      resolve()
    })
    stream.once('close', resolve)
  })
  stream.write(hello)
  await within(lab, `an answer in ${tongue.toUpperCase()}`, lab.patience, answered)
  stream.destroy()
  return { ...recognize(Buffer.concat(heard)), ending }
}

function bytesIn(chunks: readonly Buffer[]): number {
  return chunks.reduce((sum, { length }) => sum + length, 0)
}

function endingOf(failure: Failure): NonNullable<Speech['ending']> {
  if (failure.kind === 'timeout') return 'silent'
  return failure.kind === 'socket' && failure.code === 'ECONNRESET' ? 'reset' : 'closed'
}

/** MQTT 3.1.1, because each broker answers it: some never answer a CONNECT of MQTT 5. */
function mqttHello(lab: Lab): Buffer {
  const clientId = lab.newClientId()
  return encode({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clientId, clean: true, keepalive: 30 }, 4)
}

function httpHello({ host, port }: Way): Buffer {
  return Buffer.from(`GET / HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: close\r\n\r\n`)
}
