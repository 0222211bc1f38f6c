import type { MqttClient } from 'mqtt'

import type { EmitEvent } from './connection-events.ts'
import { MqttjsClient } from './mqttjs.ts'
import { callUncaught } from './uncaught.ts'

type Stream = MqttClient['stream']

/** The part of Node's event emitter that is needed here. */
interface Emitter {
  emit(name: string, ...values: readonly unknown[]): boolean
  eventNames(): (string | symbol)[]
  listenerCount(name: string): number
  rawListeners(name: string | symbol): ((...values: unknown[]) => void)[]
}

/** The class from which MQTT.js's client has its events, also in browsers, which have no `node:events`. */
const EventEmitter = Object.getPrototypeOf(MqttjsClient) as new () => Emitter

/**
 * Stands in for the stream of the first connection: applications listen to `client.stream` right after `connect`, before there
 * is one.
 */
export class FirstStream {
  #standIn: Emitter | undefined = Object.assign(new EventEmitter(), {
    destroyed: false,
    destroy() {
      return this
    },
  })

  get stream(): Stream {
    return this.#standIn as unknown as Stream
  }

  /** Events of the client, of which the listeners of the stream hear first: the first attempt may fail. */
  tellBefore(emit: EmitEvent): EmitEvent {
    return (name, ...values) => {
      if (name === 'error' || name === 'close') this.#failed(name, ...values)
      emit(name, ...values)
    }
  }

  #failed(name: 'error' | 'close', error?: unknown): void {
    const standIn = this.#standIn
    if (!standIn) return
    if (name === 'close') this.#standIn = undefined
    if (standIn.listenerCount(name) > 0) callUncaught(() => standIn.emit(name, error))
  }

  /** The first connection is open: its stream gets the listeners. */
  opened(stream: Stream): void {
    const standIn = this.#standIn
    this.#standIn = undefined
    for (const name of standIn?.eventNames() ?? []) {
      for (const listener of standIn?.rawListeners(name) ?? []) stream.on(name as 'close', listener)
    }
  }
}
