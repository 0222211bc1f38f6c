import type { Payload, PublishProperties, Qos } from './message.ts'
/** A durable publish in quarantine, because the broker closes the connection on it. */
export interface QuarantinedPublish {
  /** The number of the publish in the store, which is the same in every process. */
  readonly id: number
  readonly topic: string
  readonly payload: Payload
  readonly qos: Qos
  readonly retain: boolean
  readonly properties: PublishProperties | undefined
  /** When it was accepted, in milliseconds since 1970. */
  readonly acceptedAt: number
}

/**
 * The durable publishes in quarantine: the broker closes the connection on them, while it accepts others. They stay in
 * the store, across processes, until you retry or drop them.
 */
export interface ClientQuarantine {
  /** Lists them in the order in which they were quarantined, those of earlier processes once the store is open. */
  list(): readonly QuarantinedPublish[]
  /**
   * Sends a publish again, before all others. If it fails, the client reports that through its `error` event.
   *
   * @param id - an id from `list()`
   * @returns whether the publish was in quarantine
   * @throws {InvalidOptionError} if the id is not a number
   */
  retry(id: number): boolean
  /**
   * Deletes a publish for good, also from the store.
   *
   * @param id - an id from `list()`
   * @returns whether the publish was in quarantine
   * @throws {InvalidOptionError} if the id is not a number
   */
  drop(id: number): boolean
}
