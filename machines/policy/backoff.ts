/** The longest delay of a timer. With a longer delay, a negative one or NaN, Node and browsers fire immediately. */
export const MAX_DELAY = 2 ** 31 - 1

/**
 * How the delays of many clients are spread randomly below the ceiling of an attempt.
 *
 * - `none`: exactly the ceiling
 * - `equal`: between half of the ceiling and the ceiling
 * - `full`: between 0 and the ceiling
 * - `decorrelated`: between the initial delay and three times the previous delay, at most `maxDelay`
 * - a function: receives the ceiling in milliseconds and the random source, and returns the delay
 */
export type Jitter = NamedJitter | ((ceiling: number, random: () => number) => number)

export type NamedJitter = 'none' | 'equal' | 'full' | 'decorrelated'

/** An exponential backoff. Delays are in milliseconds. */
export interface BackoffPolicy {
  /** The ceiling of the first delay. @default 1_000 for `reconnect`, 60_000 for `recovery` */
  readonly initialDelay: number
  /** What the ceiling of each further delay is multiplied by, at least 1. @default 2 */
  readonly multiplier: number
  /** The ceiling that no delay exceeds. @default 120_000 for `reconnect`, 300_000 for `recovery` */
  readonly maxDelay: number
  /** How the delays are spread randomly below their ceilings. @default 'equal' */
  readonly jitter: Jitter
}

/** A policy as plain data, for a context. A jitter function is kept outside the context. */
export type PolicyData<Policy extends BackoffPolicy> = Omit<Policy, 'jitter'> & {
  readonly jitter: NamedJitter | 'custom'
}

export function policyData<Policy extends BackoffPolicy>(policy: Policy): PolicyData<Policy> {
  const { jitter } = policy
  // It is plain data already, and nothing can change it. Thousands of clients may share it.
  if (typeof jitter !== 'function' && Object.isFrozen(policy)) return policy as PolicyData<Policy>
  return Object.freeze({ ...policy, jitter: typeof jitter === 'function' ? 'custom' : jitter })
}

/**
 * Returns the ceiling of attempt n, counted from 1, in milliseconds: `min(initialDelay × multiplierⁿ⁻¹, maxDelay)`.
 * Works for any n: if the power overflows, the result is the maximum delay.
 */
export function backoffCeiling(policy: BackoffPolicy, attempt: number): number {
  const { initialDelay, multiplier } = policy
  const most = longestDelay(policy)
  const steps = Math.max(0, attempt - 1)
  // 0 × Infinity is NaN. If the initial delay is 0, every delay is.
  const raw = initialDelay === 0 ? 0 : initialDelay * multiplier ** steps
  return [initialDelay, multiplier, raw].every(isSound) ? Math.min(raw, most) : most
}

/**
 * Returns the delay before attempt n, in milliseconds, never NaN and always between 0 and 2³¹−1. An invalid policy
 * never shortens it: a negative delay, or one that is not a number, becomes the longest delay.
 *
 * @param previous - the previous delay, which only `decorrelated` needs
 */
export function backoffDelay(
  policy: BackoffPolicy,
  attempt: number,
  random: () => number,
  previous: number = policy.initialDelay,
): number {
  const ceiling = backoffCeiling(policy, attempt)
  return clampDelay(jittered(policy, ceiling, random, previous))
}

/** Returns the average delay before attempt n, for timelines. */
export function expectedDelay(policy: BackoffPolicy, attempt: number): number {
  const ceiling = backoffCeiling(policy, attempt)
  switch (policy.jitter) {
    case 'none':
      return ceiling
    case 'full':
      return ceiling / 2
    case 'equal':
      return ceiling * 0.75
    case 'decorrelated':
      return expectedDecorrelated(policy, attempt)
    default:
      // For a custom function, the result for the middle of the random range is the best guess.
      return clampDelay(
        safely(() => (policy.jitter as (c: number, r: () => number) => number)(ceiling, () => 0.5), ceiling),
      )
  }
}

/**
 * Returns the delay after a server reported that it is busy: at least the tier's maximum delay and, unless jitter is
 * off, up to half as much again, so that the clients of a fleet do not all return at once.
 *
 * @param least - the shortest delay, in milliseconds, if it is not the tier's maximum delay
 */
export function laterDelay(policy: BackoffPolicy, random: () => number, least = longestDelay(policy)): number {
  const spread = policy.jitter === 'none' ? 0 : least * 0.5 * chance(random)
  return clampDelay(least + spread)
}

/**
 * Turns any number into a valid timer delay: whole milliseconds, rounded up, between 0 and 2³¹−1. Timers truncate
 * fractions and would fire too early. NaN becomes the longest delay, because a backoff must never become a hot loop.
 */
export function clampDelay(delay: number): number {
  // JSON writes Infinity as `null`.
  if (typeof delay !== 'number' || Number.isNaN(delay)) return MAX_DELAY
  return Math.min(Math.max(0, Math.ceil(delay)), MAX_DELAY)
}

function jittered(policy: BackoffPolicy, ceiling: number, random: () => number, previous: number): number {
  const { jitter } = policy
  if (typeof jitter === 'function') return safely(() => jitter(ceiling, random), ceiling)
  switch (jitter) {
    case 'full':
      return ceiling * chance(random)
    case 'equal':
      return ceiling * (0.5 + 0.5 * chance(random))
    case 'decorrelated': {
      // The range is bounded before a delay is picked from it. Clamping the pick would pile up delays at the maximum.
      const low = backoffCeiling(policy, 1)
      const high = Math.min(longestDelay(policy), Math.max(low, clampDelay(previous) * 3))
      return low + (high - low) * chance(random)
    }
    // `none`, or an unknown name.
    default:
      return ceiling
  }
}

/** The average of each delay is the middle of its range, which depends on the previous delay. */
function expectedDecorrelated(policy: BackoffPolicy, attempt: number): number {
  const low = backoffCeiling(policy, 1)
  let delay = low
  for (let n = 0; n < attempt; n++) {
    const next = (low + Math.min(longestDelay(policy), Math.max(low, delay * 3))) / 2
    if (next === delay) break
    delay = next
  }
  return clampDelay(delay)
}

/** The upper bound of all delays. */
function longestDelay({ maxDelay }: BackoffPolicy): number {
  return isSound(maxDelay) ? clampDelay(maxDelay) : MAX_DELAY
}

/** The types allow nothing else, but a config file may contain, for example, `null`, as which JSON writes Infinity. */
function isSound(value: unknown): value is number {
  return typeof value === 'number' && value >= 0
}

/** Returns a random number in [0, 1], even if a custom source misbehaves. */
export function chance(random: () => number): number {
  return Math.min(safely(random, 1), 1)
}

function safely(run: () => number, fallback: number): number {
  try {
    const value = run()
    return isSound(value) ? value : fallback
  } catch {
    return fallback
  }
}
