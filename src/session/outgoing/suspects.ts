import type { Clock } from '../../api/clock.ts'
import type { QuarantineOptions } from '../../api/options.ts'
import type { Blame } from './blame.ts'
import { Pause } from './pause.ts'

/** A packet that can be suspected: a publish, or a topic filter. */
export interface Suspect {
  /** The evidence against it; `undefined` for nearly all packets, and after an answer of the broker. */
  suspicion: Suspicion | undefined
}

/** The evidence against one packet. */
export interface Suspicion {
  /** How often the connection was closed while it was unacked. */
  closes: number
  /** How often that happened while it was the only unacked packet, after a PINGRESP. */
  alone: number
  /** Whether it is left out until it is tried again. */
  aside: boolean
  /** The pause before it is tried again. */
  readonly pause: Pause
  evidence: Evidence
}

/** The evidence for one packet on one server. */
interface Evidence {
  readonly server: string
  /** How often the connection was closed while it was alone, counting only closes after other packets had succeeded. */
  closes: number
  /** How long that has lasted at least, in milliseconds. */
  lasted: number
  /** How many other packets had succeeded at the last close. */
  passed: number
}

/** After this many closes, a packet is sent only with few others, and after a PINGRESP. */
const SUSPECT_FROM = 2

/** This many closes prove a packet to be poison, if others succeeded between each two of them. */
const PROOF = 3

/** After this many closes while it was alone, a suspect is left out. */
const ALONE_FROM = 2

/** After this many closes with successes of others between them, another close says nothing about the broker. */
const KNOWN_FROM = 2

/** The unacked packets of a close are divided into this many parts, to find the one that the broker objects to. */
const PARTS = 64

/** After each failed trial, the others wait this many times as long as before. */
const SPACING_GROWTH = 1.2

/**
 * While no packet succeeds at all, the broker may be at fault. It is then tried again after at most this time, in
 * milliseconds.
 */
const LONGEST_REST = 120_000

export function isSuspect({ suspicion }: Suspect): boolean {
  return suspicion !== undefined && suspicion.closes >= SUSPECT_FROM
}

export function isAside({ suspicion }: Suspect): boolean {
  return suspicion?.aside === true
}

/** The verdict on a packet that was alone when the connection was closed. */
export type Verdict<Packet> =
  /** The packet is left out for `delay` milliseconds. */
  { readonly kind: 'aside'; readonly delay: number } | { readonly kind: 'poison'; readonly packet: Packet }

/**
 * Finds the packets of one kind, PUBLISH or SUBSCRIBE, on which the broker closes the connection. A failing broker
 * closes the connection on any packet, so one close proves nothing:
 *
 * - A packet that was unacked at two closes is a suspect. Suspects are sent in small groups and finally one by one,
 *   each after a PINGRESP.
 * - If the connection is closed twice in a row while a suspect is alone (once, if the broker gives a reason that
 *   concerns the packet), the suspect is left out, and the next packet is sent, alone too. If that one succeeds, the
 *   suspect was the cause: the others flow, and it is tried again after growing pauses.
 * - If the next packet fails too, the broker is the likely cause: all packets wait for a growing time. Two poison
 *   packets look the same, until other packets succeed between the closes. After that they are tried at their own times
 *   only.
 * - A packet is poison only if others of its kind succeeded on the same server between the closes.
 */
export class Suspects<Packet extends Suspect> {
  readonly #clock: Clock
  readonly #options: QuarantineOptions
  readonly #onDue: () => void
  /** The packets that were left out and have not succeeded since, in the order in which they were first left out. */
  #stepped: Set<Packet> | undefined
  /** The pause after a failed trial, before another packet is tried. Created with the first one. */
  #spacing: Pause | undefined
  /** The pause of all packets, while none succeeds. Created with the first one. */
  #rest: Pause | undefined
  #server = ''
  /** How many packets succeeded on this server. */
  #passed = 0
  /** Whether no packet succeeded since one was left out: the broker may be at fault. */
  #doubt = false
  /** The packet that was left out last, if none succeeded since. */
  #last: Packet | undefined
  /** The packet that is being tried again. */
  #trial: Packet | undefined
  #window = 1

  /** @param onDue - called when a packet may be tried again */
  constructor(clock: Clock, options: QuarantineOptions, onDue: () => void) {
    this.#clock = clock
    this.#options = options
    this.#onDue = onDue
  }

  /** How many packets are left out or being tried again. */
  get size(): number {
    return this.#stepped?.size ?? 0
  }

  /** Whether the next packet has to be sent alone, whichever it is. */
  get doubt(): boolean {
    return this.#doubt
  }

  /** Whether no packet of this kind may be sent now. */
  get resting(): boolean {
    return this.#rest?.running === true
  }

  /** How long that rest lasts, in milliseconds. */
  get rest(): number {
    return this.#rest?.delay ?? 0
  }

  /** How many suspects may be unacked at a time. */
  get window(): number {
    return this.#doubt ? 1 : this.#window
  }

  attached(server: string): void {
    if (server === this.#server) return
    this.#server = server
    this.#passed = 0
  }

  /**
   * The connection ended while these were unacked.
   *
   * @param alone - whether a single packet was unacked, of any kind, and a PINGRESP had come just before it was sent
   */
  closed(unacked: readonly Packet[], blame: Blame, alone: boolean): Verdict<Packet> | undefined {
    this.#trial = undefined
    const [first] = unacked
    if (blame === 'none' || !first) return undefined
    this.#window = Math.ceil(unacked.length / PARTS)
    const weight = blame === 'objection' || unacked.length === 1 ? SUSPECT_FROM : 1
    for (const packet of unacked) this.#suspicionOf(packet).closes += weight
    if (!alone) return undefined
    const suspicion = this.#suspicionOf(first)
    suspicion.alone++
    // A single close may be a broker that was killed at that moment. Leaving the packet out would cost it its place in
    // the order.
    return blame === 'objection' || suspicion.alone >= ALONE_FROM ? this.#accuse(first) : undefined
  }

  /** The broker answered the packet. */
  passed(packet: Packet): void {
    this.#passed++
    if (!this.#doubt && packet.suspicion === undefined) return
    this.#doubt = false
    this.#last = undefined
    if (this.#rest && this.#rest.times > 0) {
      // The broker was the cause. Packets that were left out in that time may be innocent.
      for (const { suspicion } of this.#stepped ?? []) if (!isKnown(suspicion)) suspicion?.pause.cut()
      this.#spacing?.reset()
    }
    this.#rest?.reset()
    if (this.#stepped?.has(packet)) this.#spacing?.reset()
    this.forget(packet)
  }

  /**
   * Takes the next packet that may be tried again now, if there is one. It is no longer left out.
   *
   * @param others - whether packets wait that were never left out: after a failed trial it is their turn
   */
  takeDue(others: boolean): Packet | undefined {
    if (this.#last && others) return undefined
    if (this.size === 0 || this.#trial || this.resting || this.#spacing?.running) return undefined
    for (const packet of this.#stepped ?? []) {
      const { suspicion } = packet
      if (!suspicion?.aside || suspicion.pause.running) continue
      suspicion.aside = false
      this.#trial = packet
      return packet
    }
    return undefined
  }

  /** Drops the evidence against a packet: it succeeded, or is no longer wanted. */
  forget(packet: Packet): void {
    if (!packet.suspicion) return
    packet.suspicion.pause.cut()
    packet.suspicion = undefined
    this.#stepped?.delete(packet)
    if (this.#trial === packet) this.#trial = undefined
    if (this.#last === packet) this.#last = undefined
  }

  /** Clears all timers. */
  stop(): void {
    for (const { suspicion } of this.#stepped ?? []) suspicion?.pause.cut()
    this.#spacing?.cut()
    this.#rest?.cut()
  }

  #suspicionOf(packet: Packet): Suspicion {
    packet.suspicion ??= this.#createSuspicion()
    return packet.suspicion
  }

  #createSuspicion(): Suspicion {
    const suspicion: Suspicion = {
      closes: 0,
      alone: 0,
      aside: false,
      pause: new Pause(this.#clock, this.#options, (delay) => {
        suspicion.evidence.lasted += delay
        this.#onDue()
      }),
      evidence: this.#noEvidence(),
    }
    return suspicion
  }

  #noEvidence(): Evidence {
    return { server: this.#server, closes: 0, lasted: 0, passed: -1 }
  }

  #accuse(packet: Packet): Verdict<Packet> {
    const suspicion = this.#suspicionOf(packet)
    if (suspicion.evidence.server !== this.#server) suspicion.evidence = this.#noEvidence()
    const { evidence } = suspicion
    const known = isKnown(suspicion)
    const othersPassed = evidence.passed !== this.#passed
    if (othersPassed) evidence.closes++
    evidence.passed = this.#passed
    const other = this.#last !== undefined && this.#last !== packet
    this.#doubt = true
    if (evidence.closes >= PROOF && evidence.lasted >= this.#options.after) {
      this.forget(packet)
      return { kind: 'poison', packet }
    }
    suspicion.aside = true
    this.#last = packet
    if (other && !known) this.#beginRest()
    // Many poison packets must not interrupt the others all the time. A new suspect may.
    if (!this.#stepped?.has(packet)) this.#spacing?.reset()
    else if (othersPassed || known) this.#beginSpacing()
    ;(this.#stepped ??= new Set()).add(packet)
    return { kind: 'aside', delay: suspicion.pause.begin(othersPassed ? undefined : LONGEST_REST) }
  }

  #beginRest(): void {
    this.#rest ??= new Pause(this.#clock, this.#options, () => this.#rested())
    this.#rest.begin(LONGEST_REST)
  }

  #beginSpacing(): void {
    this.#spacing ??= new Pause(this.#clock, this.#options, this.#onDue, SPACING_GROWTH)
    this.#spacing.begin()
  }

  /** Begins another round with the packet that was left out first, which keeps the order, and then another one. */
  #rested(): void {
    this.#last = undefined
    this.#spacing?.cut()
    const first = [...(this.#stepped ?? [])].find(({ suspicion }) => !isKnown(suspicion))
    first?.suspicion?.pause.cut()
    this.#onDue()
  }
}

/** Whether this packet, and not the broker, is known to be the cause. */
function isKnown(suspicion: Suspicion | undefined): boolean {
  return suspicion !== undefined && suspicion.evidence.closes >= KNOWN_FROM
}
