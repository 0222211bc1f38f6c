import { chance } from '../../../machines/policy/backoff.ts'
import type { Link } from '../link.ts'
import { MAX_PACKET_ID, PacketIds } from './packet-ids.ts'
import type { Publication } from './publication.ts'
import { isAside } from './suspects.ts'

/**
 * Durable publishes have the packet ids from here on to themselves: a broker that kept the session takes a QoS 2 PUBLISH
 * for one that it knows if an earlier process used its id and wrote nothing down (MQTT 5 §4.3.3).
 */
const FIRST_DURABLE = 32_768

/** The QoS 1 and 2 publishes that are sent and not acknowledged, and their packet ids. */
export class InFlight {
  readonly packetIds: PacketIds
  /** Of durable publishes. */
  readonly #durableIds = new PacketIds(FIRST_DURABLE)
  /** By packet id, in the order in which they were sent. */
  readonly #publications = new Map<number, Publication>()
  /** Ids of publishes that were given up un-acked, which the broker may know, and what is done at the next connection. */
  readonly #givenUp = new Map<number, 'release' | 'finish' | 'hold'>()

  /**
   * @param journaled - whether there can be durable publishes
   * @param random - where the packet ids begin. Those of an earlier process, which wrote nothing down, may be half-open
   *   in the session that the broker kept: it would take a new QoS 2 PUBLISH with one of them for the old one.
   */
  constructor(journaled: boolean, random: () => number) {
    const last = journaled ? FIRST_DURABLE - 1 : MAX_PACKET_ID
    this.packetIds = new PacketIds(1, last, 1 + Math.floor(chance(random) * (last - 1)))
  }

  get size(): number {
    return this.#publications.size
  }

  /** Whether there is a packet id for it. */
  hasIdFor(publication: Publication): boolean {
    return this.#idsOf(publication).available
  }

  get(packetId: number): Publication | undefined {
    return this.#publications.get(packetId)
  }

  values(): Iterable<Publication> {
    return this.#publications.values()
  }

  /** The one that was sent first of those that went over the connection that is open. */
  oldestOnWire(): Publication | undefined {
    for (const publication of this.#publications.values()) if (publication.onWire) return publication
    return undefined
  }

  /** @returns its packet id, or `null` if none is free */
  add(publication: Publication): number | null {
    const packetId = this.hasIdFor(publication) ? this.#idsOf(publication).allocate() : null
    if (packetId === null) return null
    publication.phase = 'sent'
    publication.packetId = packetId
    this.#publications.set(packetId, publication)
    return packetId
  }

  /** Takes up what an earlier process sent. */
  resume(publication: Publication): void {
    this.#durableIds.claim(publication.packetId)
    this.#publications.set(publication.packetId, publication)
  }

  /** An earlier process gave it up, and the broker may know its id. */
  hold({ packetId }: Publication): void {
    if (packetId === 0) return
    this.#durableIds.claim(packetId)
    this.#givenUp.set(packetId, 'hold')
  }

  acknowledged({ packetId }: Publication): void {
    this.#publications.delete(packetId)
    this.#release(packetId)
  }

  /**
   * Nobody waits for its acknowledgement any more.
   *
   * @param ending - whether the broker is asked to forget it, or its id is held for as long as the session lives
   */
  giveUp({ packetId, qos }: Publication, ending: 'finish' | 'hold'): void {
    this.#publications.delete(packetId)
    // Of a QoS 1 publish the receiver keeps nothing (MQTT 5 §4.3.2).
    this.#givenUp.set(packetId, qos === 1 ? 'release' : ending)
  }

  /** The broker kept the session: what was given up between PUBLISH and PUBCOMP is brought to its end. */
  kept(link: Link): void {
    for (const [packetId, ending] of this.#givenUp) {
      if (ending === 'release') this.finished(packetId)
      else if (ending === 'finish') link.pubrel(packetId)
    }
  }

  /** PUBCOMP came for what was given up. */
  finished(packetId: number): void {
    if (this.#givenUp.delete(packetId)) this.#release(packetId)
  }

  /**
   * The broker does not know our session: all ids are free, except those of publishes that stepped aside. These stay.
   *
   * @returns what else was in flight, in its order: what the broker took with its PUBREC, so that only the end of the
   *   handshake is missing (MQTT 5 §4.3.3), and what has to be sent anew
   */
  lost(): { readonly taken: readonly Publication[]; readonly unsent: readonly Publication[] } {
    for (const packetId of this.#givenUp.keys()) this.#release(packetId)
    this.#givenUp.clear()
    const taken: Publication[] = []
    const unsent: Publication[] = []
    for (const publication of this.#publications.values()) {
      publication.transmitted = false
      if (publication.phase === 'released') taken.push(publication)
      else if (!isAside(publication) || publication.aborted) unsent.push(publication)
    }
    for (const publication of [...taken, ...unsent]) this.acknowledged(publication)
    for (const publication of unsent) {
      publication.phase = 'waiting'
      publication.packetId = 0
    }
    return { taken, unsent }
  }

  #idsOf({ durable }: Publication): PacketIds {
    return durable ? this.#durableIds : this.packetIds
  }

  #release(packetId: number): void {
    this.packetIds.release(packetId)
    this.#durableIds.release(packetId)
  }
}
