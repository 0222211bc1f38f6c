import type { Logger } from '../src/api/logger.ts'
import type { ConnectOptions, ResilientMqttClientOptions } from '../src/api/options.ts'
import { isGiven } from './is-given.ts'
import type { ClientOptions } from './options.ts'

/** The longest delay of the fast tier, in periods, and in milliseconds unless the period is longer. */
const FAST_PERIODS = 30
const LONGEST_FAST_DELAY = 120_000

/** The same of the slow tier. */
const SLOW_PERIODS = 60
const LONGEST_SLOW_DELAY = 300_000

/** MQTT.js has no limit, so it is high. Its size stays limited. */
const MAX_WAITING = 100_000

/**
 * The options of our client that follow from those of MQTT.js.
 *
 * @param connect - gives the options for connecting, for each attempt
 */
export function resilientOptions(options: ClientOptions, connect: () => ConnectOptions): ResilientMqttClientOptions {
  const { connectTimeout, subscribeBatchSize, reconnectPeriod = 1_000, reconnectOnConnackError, log } = options
  const resilient = options.resilient ?? {}
  // MQTT.js does not reconnect either if it is negative or `null`.
  const period = Math.max(0, reconnectPeriod)
  const isReconnecting = period > 0
  return {
    onGiveUp: 'wait',
    onTakeover: 'retry-later',
    ...(log && { logger: loggerOf(log) }),
    ...(reconnectOnConnackError && {
      classify: ({ kind }, disposition) => (kind === 'refused' && disposition === 'fatal' ? 'retry' : undefined),
    }),
    ...resilient,
    options: connect,
    evaluateOptions: 'per-attempt',
    reconnect: {
      enabled: isReconnecting,
      initialDelay: period,
      maxDelay: Math.max(period, Math.min(FAST_PERIODS * period, LONGEST_FAST_DELAY)),
      ...resilient.reconnect,
    },
    recovery: {
      enabled: isReconnecting,
      maxAttempts: Number.POSITIVE_INFINITY,
      initialDelay: Math.max(period, Math.min(FAST_PERIODS * period, LONGEST_FAST_DELAY)),
      maxDelay: Math.max(period, Math.min(SLOW_PERIODS * period, LONGEST_SLOW_DELAY)),
      ...resilient.recovery,
    },
    timeouts: { ...(isGiven(connectTimeout) && { connectTimeout }), ...resilient.timeouts },
    outbox: { maxMessages: MAX_WAITING, ...resilient.outbox },
    ...(subscribeBatchSize && { subscriptions: { batchSize: subscribeBatchSize, ...resilient.subscriptions } }),
  }
}

/** MQTT.js's `log` gets a format and its values. */
function loggerOf(log: NonNullable<ClientOptions['log']>): Logger {
  const line = (details: object, message: string) => log('%s %o', message, details)
  return { debug: line, info: line, warn: line, error: line }
}
