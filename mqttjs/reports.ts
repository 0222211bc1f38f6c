import { describeFailure } from '../src/api/describe-failure.ts'
import { DisconnectedError, PublishSupersededError } from '../src/api/errors.ts'
import type { ResilientMqttClient } from '../src/client.ts'
import { inMqttjsNames } from './option-names.ts'
import type { ClientOptions } from './options.ts'

export interface ReportsPort {
  readonly client: ResilientMqttClient
  /** The option of this name. */
  readonly resilient: ClientOptions['resilient']
  /** Whether the application listens to the event `error`. */
  readonly isHeard: () => boolean
  readonly emitError: (error: Error) => void
  /** Prints a line. */
  readonly print: (line: string) => void
}

/**
 * Reports what MQTT.js has no event for. MQTT.js would be silent: here the first report of each kind is printed, unless the
 * application can know of it.
 */
export function followReports({ client, resilient, isHeard, emitError, print }: ReportsPort): void {
  const printed = new Set<string>()
  const printOnce = (kind: string, line: string) => {
    if (!printed.has(kind)) print(`xstate-mqtt/mqttjs: ${line}`)
    printed.add(kind)
  }
  client.on('publishFailed', ({ topic, error }) => {
    // The application asked for that, by `end` or by `resilient.outbox`.
    if (error instanceof DisconnectedError || error instanceof PublishSupersededError) return
    printOnce('publish', `a publish to ${topic} failed, and it has no callback: ${String(error)}`)
  })
  client.on('subscriptionFailed', ({ filter, error }) => {
    if (!isHeard()) printOnce('subscription', `the subscription to ${filter} failed: ${String(error)}`)
  })
  client.on('gaveUp', ({ failure }) => {
    if (!isHeard()) printOnce('gaveUp', `the client gave up: ${describeFailure(failure)}`)
  })
  client.on('error', ({ error: given, source }) => {
    const error = inMqttjsNames(given, resilient)
    if (isHeard()) emitError(error instanceof Error ? error : new Error(String(error)))
    else printOnce(source, `${source} failed: ${String(error)}`)
  })
}
