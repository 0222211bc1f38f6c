import type { ResilientMqttClientOptions } from './options.ts'

/** Options of a client in a fleet. The fleet provides the gate. */
export type FleetClientOptions = Omit<Partial<ResilientMqttClientOptions>, 'gate'>

/** Options of `createFleet`. */
export interface FleetOptions {
  /**
   * Maximum number of connections that are being opened, or restore their subscriptions, at the same time. `Infinity` is
   * allowed.
   *
   * @default 50
   */
  readonly maxConnecting?: number
  /** Maximum number of connections that begin to open per second. @default Infinity */
  readonly connectRate?: number
  /**
   * How many clients try servers that are down. The others wait without attempts, and without using up any, until one of
   * these canaries is ready; clients that sleep a backoff are woken then. Servers count as down after five failed attempts in
   * a row that are not due to a client, such as refused credentials. A canary that has failed makes room for the next
   * client in the queue, after its own backoff, but after 5 s at the latest. Clients that have the same servers share
   * one such circuit breaker. `Infinity` turns it off.
   *
   * @default 1
   */
  readonly canaries?: number
  /**
   * Options for all clients. Options of a single client override them, including single properties of `options`.
   *
   * @default none
   */
  readonly shared?: FleetClientOptions
}
