import type { ConnectionHealth } from '../../machines/connection/health.ts'

/** The health of a client, for the probes of an orchestrator. It contains no secrets. */
export interface Health extends ConnectionHealth {
  /** Since when `live` and `ready` have these values, in milliseconds since 1970. The `reason` may have changed since. */
  readonly since: number
}
