/** The longest delay that timers take. Node and browsers fire at once what is longer, below 0 or NaN. */
export const MAX_DELAY = 2 ** 31 - 1

/**
 * How chance spreads the delays of many clients below the ceiling of an attempt.
 *
 * - `none`: exactly the ceiling
 * - `equal`: between half of the ceiling and the ceiling
 * - `full`: between 0 and the ceiling
 * - `decorrelated`: between the initial delay and three times the previous delay, at most `maxDelay`
 * - a function: gets the ceiling in milliseconds and the random source
 */
export type Jitter = NamedJitter | ((ceiling: number, random: () => number) => number)

export type NamedJitter = 'none' | 'equal' | 'full' | 'decorrelated'

/** An exponential backoff. Delays are in milliseconds. */
export interface BackoffPolicy {
  readonly initialDelay: number
  readonly multiplier: number
  readonly maxDelay: number
  readonly jitter: Jitter
}

/** A policy as plain data, for a context. A function is left out: whoever owns it keeps it beside the context. */
export type PolicyData<Policy extends BackoffPolicy> = Omit<Policy, 'jitter'> & {
  readonly jitter: NamedJitter | 'custom'
}

export function policyData<Policy extends BackoffPolicy>(policy: Policy): PolicyData<Policy> {
  return Object.freeze({ ...policy, jitter: typeof policy.jitter === 'function' ? 'custom' : policy.jitter })
}

/**
 * The ceiling of attempt n, counted from 1: `min(initialDelay × multiplierⁿ⁻¹, maxDelay)`, in milliseconds. Any n works:
 * a power that overflows is the maximal delay.
 */
export function backoffCeiling(policy: BackoffPolicy, attempt: number): number {
  const { initialDelay, multiplier } = policy
  const most = longestDelay(policy)
  const steps = Math.max(0, attempt - 1)
  // 0 × Infinity is NaN: without an initial delay there is none later.
  const raw = initialDelay === 0 ? 0 : initialDelay * multiplier ** steps
  return [initialDelay, multiplier, raw].every(isSound) ? Math.min(raw, most) : most
}

/**
 * The delay before attempt n, in milliseconds, never NaN and always between 0 and 2³¹−1. What is wrong in the policy
 * never makes it short: a delay that is negative, or no number, becomes the longest there is.
 *
 * @param previous - the delay before it, which only `decorrelated` needs
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

/** The delay before attempt n on average: what a timeline shows. */
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
      // Half of the way is the best guess for a function that nobody has told us about.
      return clampDelay(
        safely(() => (policy.jitter as (c: number, r: () => number) => number)(ceiling, () => 0.5), ceiling),
      )
  }
}

/**
 * The delay after a server said it is busy: at least the tier's maximal delay, and, unless jitter is off, spread over
 * half of it again so that a fleet does not come back as one.
 */
export function laterDelay(policy: BackoffPolicy, random: () => number): number {
  const least = longestDelay(policy)
  const spread = policy.jitter === 'none' ? 0 : least * 0.5 * chance(random)
  return clampDelay(least + spread)
}

/**
 * Brings any number into what a timer takes: whole milliseconds, rounded up, between 0 and 2³¹−1. Timers cut off a
 * fraction, and would end before the time that they were set for. NaN becomes the longest delay: a backoff must never
 * become a hot loop.
 */
export function clampDelay(delay: number): number {
  // JSON makes `null` of Infinity.
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
      // The range is bounded before chance picks from it. Clamping the pick would pile up delays at the cap.
      const low = backoffCeiling(policy, 1)
      const high = Math.min(longestDelay(policy), Math.max(low, clampDelay(previous) * 3))
      return low + (high - low) * chance(random)
    }
    // `none`, or a name that there is not.
    default:
      return ceiling
  }
}

/** Each delay is on average the middle of its range, which the previous one spans. */
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

/** The delay that others are cut to. */
function longestDelay({ maxDelay }: BackoffPolicy): number {
  return isSound(maxDelay) ? clampDelay(maxDelay) : MAX_DELAY
}

/** The types let nothing else through, but a config file does: `null` for one, by which JSON knows Infinity. */
function isSound(value: unknown): value is number {
  return typeof value === 'number' && value >= 0
}

/** Chance in [0, 1], also from a source of the user's that misbehaves. */
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
