import type { BackoffPolicy } from './backoff.ts'

/** The fast tier: reconnect with what is at hand. */
export interface ReconnectPolicy extends BackoffPolicy {
  readonly enabled: boolean
  /** How many attempts follow a failure. `Infinity` is allowed. */
  readonly maxAttempts: number
}

/** The slow tier: recovery cycles after the fast tier has given up. */
export interface RecoveryPolicy extends BackoffPolicy {
  readonly enabled: boolean
  /** How many cycles, exactly. `Infinity` is allowed. */
  readonly maxAttempts: number
  /** Refresh the token in every n-th cycle: 1 in each, 0 never by count. */
  readonly refreshTokenEvery: number
  /** Whether a cycle evaluates the options and the server list anew. */
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

// Pure, here and below, so that bundlers leave out the strategies that nobody imports.

/** Recover every 60 s, for ever, with the same options and credentials. For a broker that is only restarted. */
export const simpleRetry: RecoveryPolicy = /* @__PURE__ */ everyMinute({ refreshTokenEvery: 0, recreateClient: false })

/** Recover every 60 s, for ever, with the options evaluated anew. For addresses and certificates that change. */
export const recreateClient: RecoveryPolicy = /* @__PURE__ */ everyMinute({
  refreshTokenEvery: 0,
  recreateClient: true,
})

/** Recover every 60 s, for ever, with new options and a new token each time. For tokens that expire in silence. */
export const refreshAndRecreate: RecoveryPolicy = /* @__PURE__ */ everyMinute({
  refreshTokenEvery: 1,
  recreateClient: true,
})

/** The default, for production: 60, 120, 240, 300, … s before jitter, ten cycles, a new token in every third. */
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

/** The four strategies under their names. */
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
