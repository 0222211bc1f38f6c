import type { Publication } from './publication.ts'
import type { Shelved } from './shelf.ts'

/** One publication is to take the place of another, which is then rejected with `error`. */
export interface Displacement {
  readonly victim: Publication | Shelved
  readonly successor: Publication
  readonly error: (topic: string) => Error
}

/**
 * The publications whose places were taken by durable ones that are not on disk yet. They are held back until then: an
 * accepted publication must not be dropped for one that the journal then refuses.
 */
export class Displacements {
  #byVictim: Map<Publication | Shelved, Displacement> | undefined
  #bySuccessor: Map<Publication, Set<Displacement>> | undefined

  get size(): number {
    return this.#byVictim?.size ?? 0
  }

  has(victim: Publication | Shelved): boolean {
    return this.#byVictim?.has(victim) === true
  }

  /** Any displacement by this successor. */
  of(successor: Publication): Displacement | undefined {
    const [first] = this.#bySuccessor?.get(successor) ?? []
    return first
  }

  add(displacement: Displacement): void {
    const { victim, successor } = displacement
    ;(this.#byVictim ??= new Map()).set(victim, displacement)
    const bySuccessor = (this.#bySuccessor ??= new Map())
    const others = bySuccessor.get(successor)
    if (others) others.add(displacement)
    else bySuccessor.set(successor, new Set([displacement]))
  }

  /** @returns the displacement that was planned for it */
  delete(victim: Publication | Shelved): Displacement | undefined {
    const displacement = this.#byVictim?.get(victim)
    if (!displacement) return undefined
    this.#byVictim?.delete(victim)
    const others = this.#bySuccessor?.get(displacement.successor)
    others?.delete(displacement)
    if (others?.size === 0) this.#bySuccessor?.delete(displacement.successor)
    return displacement
  }
}
