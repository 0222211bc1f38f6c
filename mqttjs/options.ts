import type { IClientOptions } from 'mqtt'

import type { ResilientMqttClientOptions } from '../src/api/options.ts'

/** Options of `connect`: those of MQTT.js by their names and units, and those that only this package has. */
export interface ClientOptions extends IClientOptions {
  /**
   * Options of `ResilientMqttClient`, with durations in milliseconds. They replace what the options of MQTT.js mean for them.
   * With a `store` every publish of QoS 1 and 2 is durable.
   *
   * @default what the options of MQTT.js mean
   */
  resilient?: ResilientOptions
}

/** The options of `ResilientMqttClient` that do not follow from those of MQTT.js. */
export type ResilientOptions = Omit<
  ResilientMqttClientOptions,
  'url' | 'servers' | 'failover' | 'options' | 'evaluateOptions' | 'onMessage'
>
