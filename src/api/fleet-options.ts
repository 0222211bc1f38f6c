import type { ResilientMqttClientOptions } from './options.ts'

/** Options of a client in a fleet. The fleet provides the gate. */
export type FleetClientOptions = Omit<Partial<ResilientMqttClientOptions>, 'gate'>

/** Options of `createFleet`. */
export interface FleetOptions {
  /** Maximum number of connections that are being opened at the same time. `Infinity` is allowed. @default 50 */
  readonly maxConnecting?: number
  /** Maximum number of connections that begin to open per second. @default Infinity */
  readonly connectRate?: number
  /** Options for all clients. Options of a single client override them, including single properties of `options`. */
  readonly shared?: FleetClientOptions
}
