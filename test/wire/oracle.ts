import { parser, type Packet } from 'mqtt-packet'

import { checkPingresp } from '../../src/wire/check-pingresp.ts'
import { decodeAck, type DecodedAck } from '../../src/wire/decode-ack.ts'
import { decodePublish, type DecodedPublish } from '../../src/wire/decode-publish.ts'
import { Framer } from '../../src/wire/framer.ts'
import { InvalidPacketError } from '../../src/wire/invalid-packet.ts'

export type Version = 3 | 4 | 5

/** What came out of some chunks. */
export interface Read {
  readonly packets: (DecodedPublish | DecodedAck)[]
  /** The packets that carry no data, in one piece. */
  readonly control: Buffer
  readonly failure: InvalidPacketError | undefined
}

/** Reads chunks with the framer and the decoders. Each call has a chunk of its own, as a socket would give it. */
export function readAll(chunks: readonly Uint8Array[], version: Version, maximumPacketSize?: number): Read {
  const framer = new Framer(maximumPacketSize)
  const packets: (DecodedPublish | DecodedAck)[] = []
  const control: Uint8Array[] = []
  let failure: InvalidPacketError | undefined
  try {
    for (const chunk of chunks) {
      framer.push(chunk)
      for (let kind = framer.next(); kind; kind = framer.next()) {
        const { frame } = framer
        if (kind === 'pingresp') {
          checkPingresp(frame)
          control.push(Uint8Array.of(frame.header, 0))
        } else if (kind === 'auth') {
          control.push(Uint8Array.of(frame.header), frame.bytes.slice(frame.start, frame.end))
        } else if (kind === 'control') control.push(frame.bytes.subarray(frame.start, frame.end))
        else packets.push(kind === 'publish' ? decodePublish(frame, version) : decodeAck(frame, version))
      }
    }
  } catch (error) {
    if (!(error instanceof InvalidPacketError)) throw error
    failure = error
  }
  return { packets, control: Buffer.concat(control), failure }
}

/** Reads bytes with mqtt-packet. On some wrong bytes it throws what it happens to throw: that is a refusal as well. */
export function parseAll(chunks: readonly Uint8Array[], version: Version): { packets: Packet[]; failed: boolean } {
  const packets: Packet[] = []
  let failed = false
  const parse = parser({ protocolVersion: version })
  parse.on('packet', (packet) => {
    if (!failed) packets.push(packet)
  })
  parse.on('error', () => {
    failed = true
  })
  try {
    for (const chunk of chunks) parse.parse(Buffer.from(chunk))
  } catch {
    failed = true
  }
  return { packets, failed }
}

/** A packet of mqtt-packet's as the decoders give it. */
export function asDecoded(packet: Packet): DecodedPublish | DecodedAck {
  if (packet.cmd === 'publish') {
    const { topicAlias = 0, ...properties } = packet.properties ?? {}
    return {
      topic: packet.topic,
      payload: packet.payload as Buffer,
      qos: packet.qos,
      retain: packet.retain,
      dup: packet.dup,
      packetId: packet.messageId ?? 0,
      properties: Object.keys(properties).length > 0 ? properties : undefined,
      topicAlias,
    }
  }
  if (!isAck(packet)) throw new Error(`${packet.cmd} is control`)
  return {
    type: packet.cmd,
    packetId: packet.messageId ?? 0,
    reasonCode: packet.reasonCode ?? 0,
    reasonString: packet.properties?.reasonString,
    userProperties: packet.properties?.userProperties,
  }
}

type AckPacket = Extract<Packet, { cmd: DecodedAck['type'] }>

function isAck(packet: Packet): packet is AckPacket {
  return packet.cmd.startsWith('pub')
}

export function isData(packet: Packet): boolean {
  return packet.cmd === 'publish' || isAck(packet)
}

/** Cuts bytes at some places. */
export function cut(bytes: Uint8Array, places: readonly number[]): Uint8Array[] {
  const sorted = [...new Set(places.map((place) => place % (bytes.length + 1)))].toSorted((a, b) => a - b)
  return [0, ...sorted].map((start, i) => Buffer.from(bytes.subarray(start, sorted[i] ?? bytes.length)))
}
