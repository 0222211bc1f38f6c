import type { IConnackPacket, MqttClientEventCallbacks } from 'mqtt'
import type { Packet } from 'mqtt-packet'

import type { ConnectionState } from '../src/api/status.ts'
import type { ResilientMqttClient } from '../src/client.ts'
import { errorOf } from './errors.ts'

/** The properties by which an application sees the connection. */
export interface ConnectionFlags {
  connected: boolean
  reconnecting: boolean
  disconnecting: boolean
}

/** Emits an event of MQTT.js. */
export type EmitEvent = <Name extends keyof MqttClientEventCallbacks>(
  name: Name,
  ...values: Parameters<MqttClientEventCallbacks[Name]>
) => void

export interface ConnectionEventsPort {
  readonly client: ResilientMqttClient
  readonly flags: ConnectionFlags
  readonly emit: EmitEvent
  /** Called when an open connection has ended, before the events. */
  readonly onClosed: () => void
}

/** Tells what happens to the connection by the events of MQTT.js, and sets the flags. */
export class ConnectionEvents {
  readonly #port: ConnectionEventsPort
  #connack: IConnackPacket | undefined
  /** Whether a connection is open or being opened. */
  #isOpen = false
  /** Whether the application has asked for this attempt, the first one after it has done so. */
  #isFirst = true

  constructor(port: ConnectionEventsPort) {
    this.#port = port
    port.client.on('stateChanged', ({ to }) => this.#changed(to))
  }

  /** The CONNACK or the DISCONNECT of the broker has arrived. */
  received(packet: Packet): void {
    if (packet.cmd === 'connack') this.#connack = packet
    if (packet.cmd === 'disconnect') this.#port.emit('disconnect', packet)
  }

  #changed(to: ConnectionState): void {
    const { client, flags, emit } = this.#port
    const isOnline = client.isConnected
    if (!isOnline && to === 'connecting') {
      this.#ended(to)
      this.#isOpen = true
      if (!this.#isFirst) emit('reconnect')
      this.#isFirst = false
    } else if (!isOnline && to !== 'disconnecting') this.#ended(to)
    else if (isOnline && !flags.connected) {
      flags.connected = true
      flags.reconnecting = false
      emit('connect', this.#connack ?? { cmd: 'connack', sessionPresent: false })
    }
  }

  #ended(to: ConnectionState): void {
    const { client, flags, emit, onClosed } = this.#port
    if (!this.#isOpen) return
    this.#isOpen = false
    if (flags.connected) onClosed()
    flags.connected = false
    const { failure } = client.actor.getSnapshot().context
    const isReplaced = to === 'connecting' || to === 'disconnected'
    const error = failure && !isReplaced ? errorOf(failure) : undefined
    if (error) emit('error', error)
    const goesOn = client.health().live && to !== 'disconnected' && !flags.disconnecting
    if (!goesOn) flags.reconnecting = false
    else if (!flags.reconnecting) {
      emit('offline')
      flags.reconnecting = true
    }
    emit('close')
  }
}
