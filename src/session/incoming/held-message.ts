import type { IncomingPublish } from '../../wire/packets.ts'
import type { Link } from '../link.ts'
import type { Receiver } from './receiver.ts'

/** A message of QoS 1 or 2 whose acknowledgement is held back. */
export class HeldMessage {
  packet: IncomingPublish
  /** The connection on which it has to be acknowledged. */
  link: Link | undefined
  /** Identifies the broker's session that it came from. */
  readonly session: object
  /** How many receivers are not done with it. */
  pending = 0
  /** Of the PUBACK: 0 once a receiver has processed it, and that of a refusal if none has. */
  reasonCode: number | undefined
  /** The receivers that had not processed it when the connection ended. They get it again. */
  failed: Receiver[] = []
  /** Whether no subscription matched it, and it was not processed: it is delivered anew. */
  isUnmatched = false

  constructor(packet: IncomingPublish, link: Link | undefined, session: object) {
    this.packet = packet
    this.link = link
    this.session = session
  }
}
