import { chance } from '../../../machines/policy/backoff.ts'
import type { Link } from '../link.ts'
import { Sequence } from '../sequence.ts'
import { PacketIdMap } from './packet-id-map.ts'
import { MAX_PACKET_ID, PacketIds } from './packet-ids.ts'
import type { Publication } from './publication.ts'
import { isAside } from './suspects.ts'

/**
 * The packet ids from here on are reserved for durable publishes. If a process reused the id of a QoS 2 publish that an
 * earlier process did not persist, a broker that kept the session would take the new one for a duplicate (MQTT 5
 * §4.3.3).
 */
const FIRST_DURABLE = 32_768

/** The QoS 1 and 2 publications that are sent and not acknowledged, and their packet ids. */
export class InFlight {
  readonly packetIds: PacketIds
  /** The packet ids of durable publications. */
  readonly #durableIds = new PacketIds(FIRST_DURABLE)
  readonly #byId = new PacketIdMap<Publication>()
  /** In the order in which they were sent. */
  readonly #publications = new Sequence<Publication>()
  /**
   * The ids of unacked publications that were given up, which the broker may know, and what to do on the next
   * connection.
   */
  #givenUp: Map<number, 'release' | 'finish' | 'hold'> | undefined

  /**
   * @param journaled - whether there can be durable publications
   * @param random - chooses the first packet id. An id of an earlier process that persisted nothing may belong to an
   *   unfinished QoS 2 handshake in the kept session: the broker would take a new PUBLISH with this id for the old one.
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
    return this.#byId.get(packetId)
  }

  values(): Iterable<Publication> {
    return this.#publications.values()
  }

  /** The publication that was sent first on the open connection and is not acknowledged. */
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
    this.#put(publication)
    return packetId
  }

  /** Takes over a publication that an earlier process sent. */
  resume(publication: Publication): void {
    this.#durableIds.claim(publication.packetId)
    this.#put(publication)
  }

  /** Reserves the id of a publication that an earlier process gave up: the broker may know it. */
  hold({ packetId }: Publication): void {
    if (packetId === 0) return
    this.#durableIds.claim(packetId)
    this.#endings().set(packetId, 'hold')
  }

  acknowledged(publication: Publication): void {
    this.#take(publication)
    this.#release(publication.packetId)
  }

  /**
   * The acknowledgement of a publication is no longer awaited.
   *
   * @param ending - whether the handshake is finished on the next connection, or the id stays reserved as long as the
   *   session lives
   */
  giveUp(publication: Publication, ending: 'finish' | 'hold'): void {
    const { packetId, qos } = publication
    this.#take(publication)
    // The receiver keeps no state for QoS 1 (MQTT 5 §4.3.2).
    this.#endings().set(packetId, qos === 1 ? 'release' : ending)
  }

  /** The broker kept the session: finishes the handshakes of the publications that were given up. */
  kept(link: Link): void {
    for (const [packetId, ending] of this.#givenUp ?? []) {
      if (ending === 'release') this.finished(packetId)
      else if (ending === 'finish') link.pubrel(packetId)
    }
  }

  /** PUBCOMP arrived for a publication that was given up. */
  finished(packetId: number): void {
    if (this.#givenUp?.delete(packetId)) this.#release(packetId)
  }

  /**
   * The broker lost the session. All ids become free, except those of publications that are left out, which stay.
   *
   * @returns the other publications, in their order: those that the broker has accepted with a PUBREC, so that only the
   *   end of the handshake was missing (MQTT 5 §4.3.3), and those that have to be sent again
   */
  lost(): { readonly taken: readonly Publication[]; readonly unsent: readonly Publication[] } {
    for (const packetId of this.#givenUp?.keys() ?? []) this.#release(packetId)
    this.#givenUp = undefined
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

  #endings() {
    return (this.#givenUp ??= new Map())
  }

  #put(publication: Publication): void {
    this.#byId.set(publication.packetId, publication)
    this.#publications.add(publication)
  }

  #take(publication: Publication): void {
    this.#byId.delete(publication.packetId)
    this.#publications.delete(publication)
  }

  #idsOf({ durable }: Publication): PacketIds {
    return durable ? this.#durableIds : this.packetIds
  }

  #release(packetId: number): void {
    this.packetIds.release(packetId)
    this.#durableIds.release(packetId)
  }
}
