import type { BackoffPolicy } from './backoff.ts'

/** The fast tier: reconnects with the same options and credentials. */
export interface ReconnectPolicy extends BackoffPolicy {
  /** Whether the client connects again by itself. With `false`, the slow tier begins at once. @default true */
  readonly enabled: boolean
  /** Maximum number of attempts after a failure. `Infinity` is allowed. @default 10 */
  readonly maxAttempts: number
}

/** The slow tier: recovery cycles after the fast tier has run out. */
export interface RecoveryPolicy extends BackoffPolicy {
  /**
   * Whether there are recovery cycles. With `false`, the client gives up when the fast tier has run out.
   *
   * @default true
   */
  readonly enabled: boolean
  /** Maximum number of cycles. `Infinity` is allowed. @default 10 */
  readonly maxAttempts: number
  /** In every n-th cycle, the token is refreshed: 1 means every cycle, 0 turns this off. @default 3 */
  readonly refreshTokenEvery: number
  /** Whether a cycle evaluates the options and the server list again. @default true */
  readonly recreateClient: boolean
}

/** 1, 2, 4, 8, 16, 32, 64, 120, 120, 120 s before jitter. */
export const defaultReconnect: ReconnectPolicy = Object.freeze({
  enabled: true,
  maxAttempts: 10,
  initialDelay: 1_000,
  multiplier: 2,
  maxDelay: 120_000,
  jitter: 'equal',
})

// Marked as pure, here and below, so that bundlers leave out strategies that are not imported.

/** Recovers every 60 s, forever, with the same options and credentials. For brokers that only restart. */
export const simpleRetry: RecoveryPolicy = /* @__PURE__ */ everyMinute({ refreshTokenEvery: 0, recreateClient: false })

/** Recovers every 60 s, forever, and evaluates the options again. For addresses or certificates that change. */
export const recreateClient: RecoveryPolicy = /* @__PURE__ */ everyMinute({
  refreshTokenEvery: 0,
  recreateClient: true,
})

/** Recovers every 60 s, forever, with new options and a new token. For tokens that become invalid without notice. */
export const refreshAndRecreate: RecoveryPolicy = /* @__PURE__ */ everyMinute({
  refreshTokenEvery: 1,
  recreateClient: true,
})

/** The default, for production: 60, 120, 240, 300, … s before jitter, ten cycles, a new token in every third cycle. */
export const exponentialRecovery: RecoveryPolicy = Object.freeze({
  enabled: true,
  maxAttempts: 10,
  initialDelay: 60_000,
  multiplier: 2,
  maxDelay: 300_000,
  jitter: 'equal',
  refreshTokenEvery: 3,
  recreateClient: true,
})

/** The four strategies by name. */
export const recoveryStrategies = /* @__PURE__ */ Object.freeze({
  simpleRetry,
  recreateClient,
  refreshAndRecreate,
  exponentialRecovery,
})

function everyMinute(cycle: Pick<RecoveryPolicy, 'refreshTokenEvery' | 'recreateClient'>): RecoveryPolicy {
  return Object.freeze({
    enabled: true,
    maxAttempts: Number.POSITIVE_INFINITY,
    initialDelay: 60_000,
    multiplier: 1,
    maxDelay: 60_000,
    jitter: 'none',
    ...cycle,
  })
}
