import type { Disposition, Failure } from '../../machines/failure.ts'
import type { ResilientMqttClientOptions } from '../../src/api/options.ts'
import { ResilientMqttClient } from '../../src/client.ts'
import type { ConnectionOptions } from '../connection.ts'

const ignore = () => {}

/** What the client would log is said on stderr, by its events. */
const silent = { debug: ignore, info: ignore, warn: ignore, error: ignore }

/**
 * Creates a client with the delays for production and recovery cycles without end. It gives up only if the broker refuses
 * the very first connection for good. A broker that has taken the login before is asked again later: it may have been
 * restarted before its user database.
 */
export function createPersistentClient(
  options: ConnectionOptions,
  others: Pick<ResilientMqttClientOptions, 'clock' | 'outbox'>,
): ResilientMqttClient {
  let wasConnected = false
  const client = new ResilientMqttClient({
    ...others,
    ...options,
    outbox: { ...options.outbox, ...others.outbox },
    recovery: { maxAttempts: Number.POSITIVE_INFINITY, ...options.recovery },
    classify: (failure: Failure, disposition: Disposition) =>
      wasConnected && failure.kind === 'refused' && disposition === 'fatal' ? 'retry-later' : undefined,
    logger: silent,
  })
  client.once('connected', () => (wasConnected = true))
  return client
}
