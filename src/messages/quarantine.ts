import { InvalidOptionError } from '../api/errors.ts'
import type { QuarantinedPublish } from '../session/outgoing/quarantine.ts'
import type { Session } from '../session/session.ts'

/**
 * The durable publishes that were taken out because the broker closes the connection on them while it takes others. They
 * stay in the store, over processes, until you retry or drop them.
 */
export interface ClientQuarantine {
  /** All of them, in the order in which they were taken out. Those of earlier processes are here once the store is open. */
  list(): readonly QuarantinedPublish[]
  /**
   * Sends one again, before all others. If that comes to nothing, the client's `error` event tells.
   *
   * @param id - by `list()`
   * @returns whether there was one
   * @throws {InvalidOptionError} if the id is no number
   */
  retry(id: number): boolean
  /**
   * Deletes one for good, from the store too.
   *
   * @param id - by `list()`
   * @returns whether there was one
   * @throws {InvalidOptionError} if the id is no number
   */
  drop(id: number): boolean
}

export function clientQuarantine(session: Session): ClientQuarantine {
  return {
    list: () => session.quarantine?.list() ?? [],
    retry: (id) => session.quarantine?.retry(checked(id)) ?? false,
    drop: (id) => session.quarantine?.drop(checked(id)) ?? false,
  }
}

function checked(id: unknown): number {
  if (typeof id !== 'number') throw new InvalidOptionError('id', 'must be a number, as in quarantine.list()', id)
  return id
}
