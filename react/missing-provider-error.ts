import { ResilientMqttError } from '../src/index.ts'

/** A hook was used outside of an `MqttProvider`. */
export class MissingMqttProviderError extends ResilientMqttError {
  override readonly name = 'MissingMqttProviderError'
  readonly code = 'MISSING_MQTT_PROVIDER'

  readonly hook: string

  constructor(hook: string) {
    super(`${hook} needs an MqttProvider above the component`)
    this.hook = hook
  }
}
