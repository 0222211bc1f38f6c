import type { MqttClient } from 'mqtt'

import { ResilientMqttClient } from '../src/client.ts'
import { parseConnectOptions } from '../src/config/parse-options.ts'
import { nothing } from '../src/shared/nothing.ts'
import { connectOptions } from './connect-options.ts'
import { warnOfIgnored } from './ignored-options.ts'
import { inMqttjsNames } from './option-names.ts'
import type { ClientOptions } from './options.ts'
import { resilientOptions } from './resilient-options.ts'
import type { OpenStream } from './sockets.ts'

/**
 * Creates the client below. All options are checked.
 *
 * @param openStream - the first argument of `new MqttClient`
 * @throws {InvalidOptionError} with MQTT.js's name of the option
 */
export function createClient(client: MqttClient, openStream: OpenStream | undefined): ResilientMqttClient {
  const options: ClientOptions = client.options
  const { resilient } = options
  const connect = () => connectOptions(client, openStream)
  try {
    parseConnectOptions(connectOptions(client, openStream, false), resilient?.store !== undefined)
    warnOfIgnored(options)
    // Without `onMessage`, messages that no subscription matches would wait for one: see `onUnmatched`.
    return new ResilientMqttClient({ ...resilientOptions(options, connect), onMessage: nothing })
  } catch (error) {
    throw inMqttjsNames(error, resilient)
  }
}
