import { clampDelay } from '../../machines/policy/backoff.ts'
import type { AdmissionGate, AdmissionOutcome, AdmissionRequest } from '../api/admission-gate.ts'
import { Circuit, type CircuitOptions, type CircuitState, type Visitor } from './circuit.ts'

export interface TurnstileOptions extends Omit<CircuitOptions, 'canaries'> {
  /** How many clients try servers that are down. @default 1 */
  readonly canaries?: number
  /** Maximum number of attempts that begin per second. */
  readonly connectRate: number
}

/** The circuit breaker of the clients that have the same servers. */
export interface CircuitStatus {
  /** The servers, as `mqtts://host:port`; empty for clients whose servers are not known before their first attempt. */
  readonly servers: readonly string[]
  /**
   * - `closed`: attempts may begin
   * - `open`: the servers are down. The next canary tries them after a pause
   * - `half-open`: the servers are down. A canary tries them
   */
  readonly state: CircuitState
  /** Number of clients that wait to be admitted. Unless the circuit is `closed`, they wait for a canary. */
  readonly waiting: number
  /** Number of admitted clients. */
  readonly connecting: number
}

/** How late a timer may be, in milliseconds. */
const LATE = 20

/** So many circuits are kept without asking whether their clients are gone. */
const FEW_CIRCUITS = 16

/**
 * A gate that many clients share, with limits at the same time and per second, and with a circuit breaker for each list of
 * servers. Clients with the same servers are admitted in the order of their requests. Lists of servers take turns.
 */
export class Turnstile implements AdmissionGate {
  readonly #options: TurnstileOptions & CircuitOptions
  readonly #circuits = new Map<string, Circuit>()
  /** With more circuits than that, those whose clients are gone are removed. */
  #manyCircuits = FEW_CIRCUITS
  /** The circuits with a client that may be admitted, in the order of their turns. */
  readonly #passable = new Set<Circuit>()
  #waiting = 0
  #inside = 0
  /** When the next attempt may begin, in milliseconds. */
  #nextAt = Number.NEGATIVE_INFINITY
  #timer: unknown
  #admitting = false

  constructor(options: TurnstileOptions) {
    this.#options = { canaries: 1, ...options }
  }

  /** Number of attempts that wait to be admitted. */
  get waiting(): number {
    return this.#waiting
  }

  /** Number of attempts that were admitted and have not ended. */
  get inside(): number {
    return this.#inside
  }

  get circuits(): CircuitStatus[] {
    this.#removeIdle()
    return Array.from(this.#circuits.values(), ({ servers, state, waiting, inside }) => ({
      servers,
      state,
      waiting,
      connecting: inside,
    }))
  }

  ask(admit: () => void, { servers, wake }: Partial<AdmissionRequest> = {}): (outcome?: AdmissionOutcome) => void {
    const circuit = this.#circuitOf(servers ?? [])
    const visitor: Visitor = { admit, wake }
    let over = false
    circuit.ask(visitor)
    this.#waiting++
    this.#turn(circuit)
    this.#admit()
    return (outcome = { type: 'withdrawn' }) => {
      if (over) return
      over = true
      if (circuit.withdraw(visitor)) this.#waiting--
      else {
        this.#inside--
        circuit.ended(visitor, outcome)
      }
      this.#turn(circuit)
      if (circuit.isIdle) this.#circuits.delete(keyOf(circuit.servers))
      if (this.#passable.size > 0) this.#admit()
      else this.#stopWaiting()
    }
  }

  #circuitOf(servers: readonly string[]): Circuit {
    const key = keyOf(servers)
    const known = this.#circuits.get(key)
    if (known) return known
    if (this.#circuits.size >= this.#manyCircuits) {
      this.#removeIdle()
      this.#manyCircuits = FEW_CIRCUITS + 2 * this.#circuits.size
    }
    const circuit: Circuit = new Circuit(servers, this.#options, () => {
      this.#turn(circuit)
      this.#admit()
    })
    this.#circuits.set(key, circuit)
    return circuit
  }

  /** Clients that were disposed while their servers were down never ask again. */
  #removeIdle(): void {
    for (const [key, circuit] of this.#circuits) if (circuit.isIdle) this.#circuits.delete(key)
  }

  /** A circuit that has become passable takes its turn after the others. */
  #turn(circuit: Circuit): void {
    if (circuit.isPassable) this.#passable.add(circuit)
    else this.#passable.delete(circuit)
  }

  #admit(): void {
    // An admitted client may ask again, or end its attempt, while this loop is running.
    if (this.#admitting) return
    this.#admitting = true
    const { maxConnecting, connectRate, now } = this.#options
    const interval = 1_000 / connectRate
    for (const circuit of this.#passable) {
      if (this.#inside >= maxConnecting) break
      // Waits at most one interval, even if the wall clock was set back.
      this.#nextAt = Math.min(this.#nextAt, now() + interval)
      const early = this.#nextAt - now()
      if (early > 0) {
        this.#wait(early)
        break
      }
      // Makes up for a late timer, so that the rate is kept.
      this.#nextAt = Math.max(this.#nextAt, now() - LATE) + interval
      this.#passable.delete(circuit)
      const visitor = circuit.take()
      this.#turn(circuit)
      if (!visitor) continue
      this.#waiting--
      this.#inside++
      visitor.admit()
    }
    this.#admitting = false
  }

  #wait(delay: number): void {
    this.#timer ??= this.#options.clock.setTimeout(() => {
      this.#timer = undefined
      this.#admit()
    }, clampDelay(delay))
  }

  /** Leaves no timer behind when no client may be admitted. */
  #stopWaiting(): void {
    if (this.#timer === undefined) return
    this.#options.clock.clearTimeout(this.#timer)
    this.#timer = undefined
  }
}

function keyOf(servers: readonly string[]): string {
  return servers.toSorted().join(' ')
}
