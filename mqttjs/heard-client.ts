import type { MqttClientEventCallbacks } from 'mqtt'

import { nothing } from '../src/shared/nothing.ts'
import { MqttjsClient } from './mqttjs.ts'
import { callUncaught } from './uncaught.ts'

type Events = MqttClientEventCallbacks

/** MQTT.js's client, which learns to what events the application listens. */
export class HeardClient extends MqttjsClient {
  /** Called before a listener is added; `undefined` while the constructor runs. */
  protected onListener: ((event: keyof Events) => void) | undefined
  /** Whether a listener of the application has got an error. */
  protected hasHeardErrors = false

  /** Whether the application listens to errors. The listener that `connect` adds does not count. */
  protected get hearsErrors(): boolean {
    return this.listeners('error').some((listener) => listener !== nothing)
  }

  /** Emits an event. What its listeners throw becomes an uncaught exception. */
  protected emitUncaught<Name extends keyof Events>(name: Name, ...values: Parameters<Events[Name]>): void {
    if (name === 'error') this.hasHeardErrors ||= this.hearsErrors
    callUncaught(() => this.emit(name, ...values))
  }

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
