import type { MqttClientEventCallbacks } from 'mqtt'

import { MqttjsClient } from './mqttjs.ts'

type Events = MqttClientEventCallbacks

/** MQTT.js's client, which learns to what events the application listens. */
export class HeardClient extends MqttjsClient {
  /** Called before a listener is added; `undefined` while the constructor runs. */
  protected onListener: ((event: keyof Events) => void) | undefined

  override on<Name extends keyof Events>(event: Name, listener: Events[Name]): this {
    this.onListener?.(event)
    return super.on(event, listener)
  }

  /** The same as `on`. */
  addListener<Name extends keyof Events>(event: Name, listener: Events[Name]): this {
    return this.on(event, listener)
  }

  override once<Name extends keyof Events>(event: Name, listener: Events[Name]): this {
    this.onListener?.(event)
    return super.once(event, listener)
  }

  override prependListener<Name extends keyof Events>(event: Name, listener: Events[Name]): this {
    this.onListener?.(event)
    return super.prependListener(event, listener)
  }

  override prependOnceListener<Name extends keyof Events>(event: Name, listener: Events[Name]): this {
    this.onListener?.(event)
    return super.prependOnceListener(event, listener)
  }
}
