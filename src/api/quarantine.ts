import type { Payload, PublishProperties, Qos } from './message.ts'
/** A durable publish that was taken out because the broker closes the connection on it. */
export interface QuarantinedPublish {
  /** Its number in the store: the same in each process. */
  readonly id: number
  readonly topic: string
  readonly payload: Payload
  readonly qos: Qos
  readonly retain: boolean
  readonly properties: PublishProperties | undefined
  /** In milliseconds since 1970. */
  readonly acceptedAt: number
}

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
