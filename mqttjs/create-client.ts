import type { ConnectOptions } from '../src/api/options.ts'
import { ResilientMqttClient } from '../src/client.ts'
import { parseConnectOptions } from '../src/config/parse-options.ts'
import { nothing } from '../src/shared/nothing.ts'
import { warnOfIgnored } from './ignored-options.ts'
import { inMqttjsNames } from './option-names.ts'
import type { ClientOptions } from './options.ts'
import { resilientOptions } from './resilient-options.ts'

/**
 * Creates the client below. All options are checked.
 *
 * @param connect - gives the options for connecting, for each attempt
 * @param first - the same as far as they are known now
 * @throws {InvalidOptionError} with MQTT.js's name of the option
 */
export function createClient(
  options: ClientOptions,
  connect: () => ConnectOptions,
  first: ConnectOptions,
): ResilientMqttClient {
  const { resilient } = options
  try {
    parseConnectOptions(first, resilient?.store !== undefined)
    warnOfIgnored(options)
    // Without `onMessage`, messages that no subscription matches would wait for one: see `onUnmatched`.
    return new ResilientMqttClient({ ...resilientOptions(options, connect), onMessage: nothing })
  } catch (error) {
    throw inMqttjsNames(error, resilient)
  }
}
