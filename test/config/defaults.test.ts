import { expect, test } from 'vitest'

import { defaultRedirect } from '../../machines/config.ts'
import { connectionConfig, defaultReconnect, exponentialRecovery } from '../../machines/index.ts'
import { defaultResubscribe } from '../../machines/subscriptions.ts'
import { systemNow, systemRandom } from '../../machines/system-defaults.ts'
import * as defaults from '../../src/config/defaults.ts'
import { parseFleetOptions } from '../../src/config/fleet-options.ts'
import { parseOptions } from '../../src/config/parse-options.ts'
import { realClock } from '../../src/shared/clock.ts'

const url = 'mqtt://127.0.0.1:1'

const timeouts = {
  connectTimeout: 30_000,
  subscribeTimeout: 30_000,
  refreshTimeout: 30_000,
  disconnectTimeout: 5_000,
  probeTimeout: 5_000,
  ackTimeout: 60_000,
  birthTimeout: 30_000,
  authenticationTimeout: 10_000,
  stableAfter: 30_000,
}

test('of a client', () => {
  expect(parseOptions({ url })).toEqual({
    url: [url],
    connect: {
      url: undefined,
      protocolVersion: 4,
      clean: true,
      sessionExpiry: 0,
      receiveMaximum: 1_000,
      topicAliasMaximum: 0,
      autoAssignTopicAlias: false,
    },
    credentials: undefined,
    machine: { canRefresh: false, gated: false },
    redirect: { allow: 'own-hosts', maxHops: 3 },
    timeouts,
    outbox: {
      maxMessages: 10_000,
      maxBytes: 67_108_864,
      overflow: 'reject',
      rate: { messages: Number.POSITIVE_INFINITY, bytes: Number.POSITIVE_INFINITY },
    },
    inbox: {
      claimTimeout: 5_000,
      maxUnclaimed: 1_000,
      stallAfter: 30_000,
      maxUnprocessed: 10_000,
      maxUnprocessedBytes: 16_777_216,
    },
    subscriptions: { batchSize: undefined, onSessionPresent: 'skip' },
    quarantine: { after: 120_000, initialDelay: 5_000, maxDelay: 900_000 },
    evaluateOptions: 'per-client',
    onGiveUp: 'reject',
    birth: undefined,
    onMessage: undefined,
    expectTrafficWithin: 0,
    store: undefined,
    responseTopic: undefined,
    wakeOn: ['online', 'visibilitychange', 'resume', 'pageshow', 'sleep'],
    gate: undefined,
    logger: undefined,
    inspect: undefined,
    clock: realClock,
    now: systemNow,
    random: systemRandom,
  })
})

test('of a kept session and a will', () => {
  const options = { clean: false, clientId: 'mine', will: { topic: 'a', payload: '' } }
  expect(parseOptions({ url, options }).connect).toMatchObject({
    sessionExpiry: Number.POSITIVE_INFINITY,
    will: { topic: 'a', payload: '', qos: 0, retain: false, delay: 0 },
  })
})

test('of the connection machine', () => {
  expect(connectionConfig()).toEqual({
    canRefresh: false,
    gated: false,
    refreshAfterCloses: 3,
    refreshBefore: 300_000,
    onTakeover: 'fail',
    reconnect: {
      enabled: true,
      maxAttempts: 10,
      initialDelay: 1_000,
      multiplier: 2,
      maxDelay: 120_000,
      jitter: 'equal',
    },
    recovery: {
      enabled: true,
      maxAttempts: 10,
      initialDelay: 60_000,
      multiplier: 2,
      maxDelay: 300_000,
      jitter: 'equal',
      refreshTokenEvery: 3,
      recreateClient: true,
    },
    timeouts,
    redirect: { maxHops: 3 },
    failover: {
      selection: 'rotate',
      failBackAfter: 300_000,
      coolDown: 30_000,
      maxCoolDown: 900_000,
      slowAfter: 10_000,
    },
  })
  expect(defaultResubscribe).toEqual({
    maxAttempts: 5,
    initialDelay: 1_000,
    multiplier: 2,
    maxDelay: 60_000,
    jitter: 'equal',
  })
})

test('of a fleet', () => {
  expect(parseFleetOptions({})).toEqual({
    maxConnecting: 50,
    connectRate: Number.POSITIVE_INFINITY,
    canaries: 1,
    shared: {},
    clock: realClock,
    now: systemNow,
  })
})

test('of calls', () => {
  expect(defaults).toMatchObject({
    defaultPublish: { qos: 0, retain: false, durable: false },
    defaultSubscribe: { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0, bufferSize: 1_000 },
    defaultRetry: {
      initialDelay: 1_000,
      multiplier: 2,
      maxDelay: 30_000,
      jitter: 'equal',
      maxAttempts: 8,
      whenExhausted: undefined,
    },
    defaultRequest: { qos: 1, timeout: 30_000 },
    defaultPeriodic: { qos: 0, jitter: 0 },
    defaultDisconnect: { outbox: 'reject' },
  })
})

test('are frozen', () => {
  const all = {
    ...defaults,
    machineRedirect: defaultRedirect,
    defaultReconnect,
    exponentialRecovery,
    defaultResubscribe,
  }
  expect(Object.entries(all).filter(([, value]) => !Object.isFrozen(value))).toEqual([])
})
