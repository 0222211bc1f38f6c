import type { ClientStatus, ConnectionState, Health, ResilientMqttClient } from '../src/index.ts'
import type { TapSlot } from '../src/session/message-tap.ts'
import { sum, type Totals, totalsOf } from './totals.ts'

/** What is observed of one client. */
export interface ClientFigures {
  readonly status: ClientStatus
  readonly health: Health
  /** How long the oldest publish has waited, in milliseconds; 0 if none waits. */
  readonly age: number
}

/** A client whose figures are observed, from now on. */
export class FollowedClient {
  readonly #client: ResilientMqttClient
  readonly #slot: TapSlot
  readonly #stop: () => void
  /** What was before. */
  readonly #before: Totals
  readonly #states: Partial<Record<ConnectionState, number>> = {}
  #state: ConnectionState
  /** When it entered the state, or was followed from. */
  #since = performance.now()

  constructor(client: ResilientMqttClient, slot: TapSlot) {
    this.#client = client
    this.#slot = slot
    const { status } = client
    this.#before = totalsOf(status, {})
    this.#state = status.state
    this.#stop = client.on('stateChanged', ({ to }) => this.#enter(to))
  }

  get figures(): ClientFigures {
    const { status } = this.#client
    const { waitingSince } = status.outbox
    const age = waitingSince === null ? 0 : Math.max(0, this.#slot.now() - waitingSince)
    return { status, health: this.#client.health(), age }
  }

  /** @param status - of the client now */
  totals(status: ClientStatus): Totals {
    this.#enter(this.#state)
    return sum(totalsOf(status, this.#states), this.#before, -1)
  }

  /** Follows the client no longer. @returns its last totals */
  end(): Totals {
    this.#stop()
    return this.totals(this.#client.status)
  }

  #enter(state: ConnectionState): void {
    const now = performance.now()
    this.#states[this.#state] = (this.#states[this.#state] ?? 0) + now - this.#since
    this.#state = state
    this.#since = now
  }
}
