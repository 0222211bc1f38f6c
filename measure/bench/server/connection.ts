import type { Duplex } from 'node:stream'

import { packetIdOf, PacketScanner, PacketType, type ScannedPacket } from '../packet-scanner.ts'
import { contentOf } from './content.ts'
import { acknowledgements, CONNACK, PINGRESP, receiveMaximumOf, suback, wishOf } from './packets.ts'
import { Source } from './source.ts'

/**
 * Serves one client as cheaply as possible. It acknowledges what the client publishes, and passes it on to no subscriber.
 * A client that subscribes gets the messages of a source. All answers to what arrived in one turn leave in one write.
 */
export function serveConnection(stream: Duplex): void {
  let source: Source | undefined
  let receiveMaximum = 0
  let scheduled = false
  /** The acknowledgements of this turn. */
  const types: number[] = []
  const packetIds: number[] = []

  const answer = (type: number, packet: ScannedPacket) => {
    types.push(type)
    packetIds.push(packetIdOf(packet))
  }
  const send = () => {
    scheduled = false
    if (types.length > 0) stream.write(acknowledgements(types, packetIds))
    types.length = 0
    packetIds.length = 0
    source?.send()
  }
  const scanner = new PacketScanner((packet) => {
    switch (packet.type) {
      case PacketType.PUBLISH: {
        const qos = (packet.first >> 1) & 3
        if (qos > 0) answer(qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, packet)
        break
      }
      case PacketType.PUBREL:
        answer(PacketType.PUBCOMP, packet)
        break
      case PacketType.PUBREC:
        answer(PacketType.PUBREL, packet)
        break
      case PacketType.PUBACK:
      case PacketType.PUBCOMP:
        source?.acknowledged()
        break
      case PacketType.CONNECT:
        receiveMaximum = receiveMaximumOf(packet)
        stream.write(CONNACK)
        break
      case PacketType.SUBSCRIBE: {
        const wish = wishOf(packet)
        stream.write(suback(wish, contentOf(wish.filter).qos))
        source = new Source(stream, wish, receiveMaximum)
        break
      }
      case PacketType.PINGREQ:
        stream.write(PINGRESP)
        break
    }
  })
  stream.on('data', (chunk: Buffer) => {
    scanner.push(chunk)
    if (scheduled) return
    scheduled = true
    setImmediate(send)
  })
  stream.on('drain', () => source?.send())
  // A client that ends while the source still sends may reset the connection.
  stream.on('error', () => stream.destroy())
}
