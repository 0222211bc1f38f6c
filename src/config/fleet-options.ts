import { withDefaults } from '../../machines/config.ts'
import type { Clock } from '../api/clock.ts'
import type { FleetClientOptions, FleetOptions } from '../api/fleet-options.ts'
import { group, must } from '../shared/option-rules.ts'
import { didYouMean, readCallOptions, type RulesFor } from '../shared/read-options.ts'
import { clientHint, clientOptionRules, perSecond } from './client-rules.ts'
import { defaultClient, defaultFleet } from './defaults.ts'

/** The checked options of a fleet, completed with their defaults. */
export interface FleetConfig {
  readonly maxConnecting: number
  readonly connectRate: number
  readonly canaries: number
  /** Checked copies. Each client completes them, together with its own options. */
  readonly shared: FleetClientOptions
  readonly clock: Clock
  /** In milliseconds since 1970. */
  readonly now: () => number
}

const clientRules = {
  ...clientOptionRules,
  gate: must('must be left out: the fleet provides the gate', () => false),
}

const countOrInfinity = must(
  'must be a whole number of at least 1, or Infinity',
  (value) => value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && (value as number) >= 1),
)

const rules = {
  maxConnecting: countOrInfinity,
  canaries: countOrInfinity,
  connectRate: perSecond,
  shared: group(clientRules, clientHint),
} satisfies RulesFor<FleetOptions>

/** Checks the options of a fleet and adds the defaults. @throws {InvalidOptionError} */
export function parseFleetOptions(options: FleetOptions): FleetConfig {
  const { shared = {}, ...limits } = readCallOptions('createFleet', options, rules, fleetHint)
  const { clock = defaultClient.clock, now = defaultClient.now } = shared
  return Object.freeze({ ...withDefaults(defaultFleet, limits), shared, clock, now })
}

/** Checks the options of one client of a fleet and copies them. @throws {InvalidOptionError} */
export function readFleetClientOptions(options: FleetClientOptions): FleetClientOptions {
  return readCallOptions('createClient', options, clientRules, clientHint)
}

function fleetHint(name: string, known: readonly string[]): string | undefined {
  return Object.hasOwn(clientRules, name) ? 'see shared' : didYouMean(name, known)
}
