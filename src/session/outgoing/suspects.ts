import type { QuarantineOptions } from '../../api/options.ts'
import type { Clock } from '../../api/clock.ts'
import type { Blame } from './blame.ts'
import { Pause } from './pause.ts'

/** A packet that can be suspected: a publish, or a topic filter. */
export interface Suspect {
  /** What speaks against it; `undefined` for nearly all, and again once it went through. */
  suspicion: Suspicion | undefined
}

/** What speaks against one packet. */
export interface Suspicion {
  /** How often the connection was closed while it was un-acked. */
  closes: number
  /** How often while it was alone, after a sign of life. */
  alone: number
  /** Whether it is left out, until its next trial. */
  aside: boolean
  /** Between its trials. */
  readonly pause: Pause
  evidence: Evidence
}

/** What is known about one packet and one server. */
interface Evidence {
  readonly server: string
  /** How often it was alone on a living connection that was then closed, and others went through before. */
  closes: number
  /** How long that went on, at least, in milliseconds. */
  lasted: number
  /** How many others had gone through at the last close. */
  passed: number
}

/** From so many closes on a packet is sent only with few others, and after a sign of life. */
const SUSPECT_FROM = 2

/** Closes on a packet that prove it to be poison, if others went through between each two. */
const PROOF = 3

/** From so many closes while it was alone on, a suspect steps aside. */
const ALONE_FROM = 2

/** From so many closes, if others went through between them, another one says nothing about the broker. */
const KNOWN_FROM = 2

/** Into how many parts the un-acked packets of a close are divided to find the one that the broker minds. */
const PARTS = 64

/** After each trial that fails, all others wait so many times as long as before. */
const SPACING_GROWTH = 1.2

/** While nothing goes through at all, it may be the broker: then it is asked again after so long at most, in milliseconds. */
const LONGEST_REST = 120_000

export function isSuspect({ suspicion }: Suspect): boolean {
  return suspicion !== undefined && suspicion.closes >= SUSPECT_FROM
}

export function isAside({ suspicion }: Suspect): boolean {
  return suspicion?.aside === true
}

/** What became of a packet on which the connection was closed while it was alone. */
export type Verdict<Packet> =
  /** It is left out for so many milliseconds. */
  { readonly kind: 'aside'; readonly delay: number } | { readonly kind: 'poison'; readonly packet: Packet }

/**
 * Finds the packets of one kind, PUBLISH or SUBSCRIBE, on which the broker closes the connection. A broker that is sick
 * closes on everything, so a close alone proves nothing:
 *
 * - What was un-acked at two closes is a suspect. Suspects go in small groups, and at last one by one, after a PINGRESP.
 * - A suspect on which the connection is closed twice in a row while it is alone (once, if the broker objects to it) steps
 *   aside, and the next packet goes, alone too. If that goes through, it was the packet: the others flow, and it is tried
 *   again after growing pauses.
 * - If that does not go through either, it is the broker: all rest, for a time that grows. Two that are poison look the
 *   same, until others went through between the closes on them: such ones are tried at their own times only.
 * - A packet is poison only if others of its kind went through on the same server between its closes.
 */
export class Suspects<Packet extends Suspect> {
  readonly #clock: Clock
  readonly #options: QuarantineOptions
  readonly #onDue: () => void
  /** Those that stepped aside and did not go through since, in the order in which they first did. */
  readonly #stepped = new Set<Packet>()
  /** After a trial that failed: others have to wait, too. */
  readonly #spacing: Pause
  /** Nothing goes through. */
  readonly #rest: Pause
  #server = ''
  /** How many packets went through on this server. */
  #passed = 0
  /** Whether nothing went through since a packet stepped aside: it may be the broker. */
  #doubt = false
  /** The packet that stepped aside last, if nothing went through since. */
  #last: Packet | undefined
  /** The packet that is being tried again. */
  #trial: Packet | undefined
  #window = 1

  /** @param onDue - something may be tried */
  constructor(clock: Clock, options: QuarantineOptions, onDue: () => void) {
    this.#clock = clock
    this.#options = options
    this.#onDue = onDue
    this.#spacing = new Pause(clock, { ...options, multiplier: SPACING_GROWTH }, onDue)
    this.#rest = new Pause(clock, options, () => this.#rested())
  }

  /** How many stepped aside and were not proven, one that is being tried included. */
  get size(): number {
    return this.#stepped.size
  }

  /** Whether the next packet has to go alone, whatever it is. */
  get doubt(): boolean {
    return this.#doubt
  }

  /** Whether no packet of this kind is to be sent now. */
  get resting(): boolean {
    return this.#rest.running
  }

  /** How long that rest is in all, in milliseconds. */
  get rest(): number {
    return this.#rest.delay
  }

  /** How many suspects may be under way at a time. */
  get window(): number {
    return this.#doubt ? 1 : this.#window
  }

  attached(server: string): void {
    if (server === this.#server) return
    this.#server = server
    this.#passed = 0
  }

  /**
   * The connection ended while these were un-acked.
   *
   * @param alone - whether it was one, nothing else was under way, and the broker had just given a sign of life
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
    // Once, it may have been a broker that was killed just then: stepping aside would cost the packet its place.
    return blame === 'objection' || suspicion.alone >= ALONE_FROM ? this.#accuse(first) : undefined
  }

  /** The broker answered to it. */
  passed(packet: Packet): void {
    this.#passed++
    if (!this.#doubt && packet.suspicion === undefined) return
    this.#doubt = false
    this.#last = undefined
    if (this.#rest.times > 0) {
      // It was the broker: whatever stepped aside only meanwhile may be innocent.
      for (const { suspicion } of this.#stepped) if (!isKnown(suspicion)) suspicion?.pause.cut()
      this.#spacing.reset()
    }
    this.#rest.reset()
    if (this.#stepped.has(packet)) this.#spacing.reset()
    this.forget(packet)
  }

  /**
   * The next that is to be tried again, if there is one now. It is no longer aside then.
   *
   * @param others - whether packets wait that never stepped aside: after one that failed it is their turn
   */
  takeDue(others: boolean): Packet | undefined {
    if (this.#last && others) return undefined
    if (this.#stepped.size === 0 || this.#trial || this.#rest.running || this.#spacing.running) return undefined
    for (const packet of this.#stepped) {
      const { suspicion } = packet
      if (!suspicion?.aside || suspicion.pause.running) continue
      suspicion.aside = false
      this.#trial = packet
      return packet
    }
    return undefined
  }

  /** Nothing speaks against it any more, or it is no longer wanted. */
  forget(packet: Packet): void {
    if (!packet.suspicion) return
    packet.suspicion.pause.cut()
    packet.suspicion = undefined
    this.#stepped.delete(packet)
    if (this.#trial === packet) this.#trial = undefined
    if (this.#last === packet) this.#last = undefined
  }

  /** No timer is left. */
  stop(): void {
    for (const { suspicion } of this.#stepped) suspicion?.pause.cut()
    this.#spacing.cut()
    this.#rest.cut()
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
    if (other && !known) this.#rest.begin(LONGEST_REST)
    // Many that are poison must not interrupt the others all the time; a new suspect is another matter.
    if (!this.#stepped.has(packet)) this.#spacing.reset()
    else if (othersPassed || known) this.#spacing.begin()
    this.#stepped.add(packet)
    return { kind: 'aside', delay: suspicion.pause.begin(othersPassed ? undefined : LONGEST_REST) }
  }

  /** Another round: the first that stepped aside, so that the order is kept, and then another one. */
  #rested(): void {
    this.#last = undefined
    this.#spacing.cut()
    const first = [...this.#stepped].find(({ suspicion }) => !isKnown(suspicion))
    first?.suspicion?.pause.cut()
    this.#onDue()
  }
}

/** Whether it is this packet that the broker minds, as far as one can know. */
function isKnown(suspicion: Suspicion | undefined): boolean {
  return suspicion !== undefined && suspicion.evidence.closes >= KNOWN_FROM
}
