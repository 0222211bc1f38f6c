import type { Lookup } from './dns.ts'
import type { Check, Finding } from './finding.ts'
import type { Login } from './mqtt/connection.ts'
import type { Version } from './mqtt/packets.ts'
import type { Observed } from './observed.ts'
import type { Target } from './way.ts'

/** What to examine. */
export interface Examination {
  readonly target: Target
  readonly login: Login
  /** Headers of the WebSocket upgrade. */
  readonly headers: Readonly<Record<string, string>>
  /** @default a new one for each connection */
  readonly clientId?: string | undefined
  /** The versions to try, in this order. */
  readonly versions: readonly Version[]
  /** Topic filters to subscribe to. */
  readonly subscribe: readonly string[]
  /** Topics to publish to. Nothing is published to any other. */
  readonly publish: readonly string[]
  /** The largest packet to try, in bytes. */
  readonly packetSize: number
  /** Whether to look for an idle timeout, which takes minutes. */
  readonly idle: boolean
  /** That of the client, in milliseconds. @default that of the library */
  readonly keepalive?: number | undefined
  /** @default that of the system */
  readonly lookup?: Lookup | undefined
}

export interface Diagnosis {
  readonly findings: readonly Finding[]
  readonly observed: Observed
  /** The checks that were not reached. */
  readonly notChecked: readonly Check[]
  readonly isInterrupted: boolean
}

/** Takes down what the checks find. */
export interface Notes {
  observed: Observed
  add(findings: readonly Finding[]): void
}
