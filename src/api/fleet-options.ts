import type { ResilientMqttClientOptions } from './options.ts'

/** Options of a client in a fleet. The gate is the fleet's. */
export type FleetClientOptions = Omit<Partial<ResilientMqttClientOptions>, 'gate'>

/** Options of `createFleet`. */
export interface FleetOptions {
  /** How many connections may be opening at a time. @default 50 */
  readonly maxConnecting?: number
  /** How many may begin to open in a second. @default Infinity */
  readonly connectRate?: number
  /** Options that all clients have in common. The options of a single client win over them, also within `options`. */
  readonly shared?: FleetClientOptions
}
