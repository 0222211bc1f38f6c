import { describe, expect, test } from 'vitest'

import { rulesOf } from '../../../machines/config.ts'
import {
  backoffDelay,
  connectionConfig,
  DEFAULT_REFRESH_BEFORE,
  defaultReconnect,
  defaultTimeouts,
  exponentialRecovery,
  recoveryStrategies,
} from '../../../machines/index.ts'

const cycles = [1, 2, 3, 4, 5, 6, 10, 1_000]
const half = () => 0.5

describe('strategies', () => {
  test('are exactly four', () => {
    expect(Object.keys(recoveryStrategies)).toEqual([
      'simpleRetry',
      'recreateClient',
      'refreshAndRecreate',
      'exponentialRecovery',
    ])
  })

  test.each([
    ['simpleRetry', { maxAttempts: Number.POSITIVE_INFINITY, refreshTokenEvery: 0, recreateClient: false }],
    ['recreateClient', { maxAttempts: Number.POSITIVE_INFINITY, refreshTokenEvery: 0, recreateClient: true }],
    ['refreshAndRecreate', { maxAttempts: Number.POSITIVE_INFINITY, refreshTokenEvery: 1, recreateClient: true }],
    ['exponentialRecovery', { maxAttempts: 10, refreshTokenEvery: 3, recreateClient: true }],
  ] as const)('%s', (name, expected) => {
    expect(recoveryStrategies[name]).toMatchObject({ enabled: true, ...expected })
  })

  test.each(['simpleRetry', 'recreateClient', 'refreshAndRecreate'] as const)('%s waits 60 s each time', (name) => {
    const delays = cycles.map((cycle) => backoffDelay(recoveryStrategies[name], cycle, half))
    expect(delays).toEqual(cycles.map(() => 60_000))
  })

  test('exponentialRecovery waits 60, 120, 240, 300, … s before jitter', () => {
    const plain = { ...exponentialRecovery, jitter: 'none' as const }
    const delays = cycles.map((cycle) => backoffDelay(plain, cycle, half) / 1000)
    expect(delays).toEqual([60, 120, 240, 300, 300, 300, 300, 300])
    expect(exponentialRecovery.jitter).toBe('equal')
  })

  test('are frozen', () => {
    expect(Object.isFrozen(recoveryStrategies)).toBe(true)
    for (const strategy of Object.values(recoveryStrategies)) expect(Object.isFrozen(strategy)).toBe(true)
    expect(Object.isFrozen(defaultReconnect)).toBe(true)
  })
})

describe('config', () => {
  test('has only defaults without input', () => {
    const config = connectionConfig()
    expect(config).toMatchObject({
      canRefresh: false,
      refreshBefore: 300_000,
      onTakeover: 'fail',
      reconnect: defaultReconnect,
      recovery: exponentialRecovery,
      timeouts: {
        connectTimeout: 30_000,
        subscribeTimeout: 30_000,
        refreshTimeout: 30_000,
        disconnectTimeout: 5_000,
        stableAfter: 30_000,
      },
    })
    expect(DEFAULT_REFRESH_BEFORE).toBe(300_000)
    expect(rulesOf(config).allow('other:1883')).toBe(false)
    expect(config.redirect.maxHops).toBe(3)
  })

  test('fills missing properties of a group with defaults, without changing the input', () => {
    const input = Object.freeze({
      reconnect: Object.freeze({ maxAttempts: 3 }),
      recovery: recoveryStrategies.simpleRetry,
      timeouts: Object.freeze({ connectTimeout: 1 }),
    })
    const config = connectionConfig(input)
    expect(config.reconnect).toEqual({ ...defaultReconnect, maxAttempts: 3 })
    expect(config.recovery).toEqual(recoveryStrategies.simpleRetry)
    expect(config.timeouts).toEqual({ ...defaultTimeouts, connectTimeout: 1 })
  })

  test('takes inherited properties', () => {
    const inherited = <Group extends object>(group: Group) => Object.create(group) as Group
    const config = connectionConfig(
      inherited({
        onTakeover: 'retry-later' as const,
        reconnect: inherited({ maxAttempts: 3 }),
        recovery: inherited({ maxAttempts: 4 }),
        timeouts: inherited({ connectTimeout: 1 }),
        redirect: inherited({ maxHops: 2 }),
      }),
    )
    expect(config).toMatchObject({
      onTakeover: 'retry-later',
      reconnect: { maxAttempts: 3 },
      recovery: { maxAttempts: 4 },
      timeouts: { connectTimeout: 1 },
      redirect: { maxHops: 2 },
    })
  })

  test('is deeply frozen', () => {
    const config = connectionConfig({})
    for (const part of [config, config.reconnect, config.recovery, config.timeouts, config.redirect]) {
      expect(Object.isFrozen(part)).toBe(true)
    }
  })
})
