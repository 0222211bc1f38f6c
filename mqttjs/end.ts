import type { DoneCallback, IDisconnectPacket } from 'mqtt'

import type { DisconnectOptions } from '../src/api/message-options.ts'
import type { ResilientMqttClient } from '../src/client.ts'
import { fromSessionExpiryInterval } from '../src/shared/session-expiry.ts'
import { inMqttjsNames } from './option-names.ts'
import { checkSeconds, FOUR_BYTES } from './seconds.ts'

/** How long publishes that are under way may take, in milliseconds. MQTT.js waits for them without a limit. */
const DRAIN_TIMEOUT = 30_000

/** The broker publishes the will, as if the socket had just been closed (MQTT 5 §3.14.2.1). */
const WITH_WILL = 0x04

export interface EndArguments {
  readonly force: boolean
  readonly packet: Partial<IDisconnectPacket> | undefined
  readonly callback: DoneCallback | undefined
}

/** Sorts the arguments of `end`, each of which may be left out. */
export function endArguments(values: readonly unknown[]): EndArguments {
  const packet = values.find((value) => typeof value === 'object' && value !== null)
  return {
    force: values[0] === true,
    packet,
    callback: values.find((value) => typeof value === 'function') as EndArguments['callback'],
  }
}

/**
 * Disconnects.
 *
 * @param isVersion5 - whether the broker understands the fields of the packet
 * @returns what is wrong with the fields; `undefined` if nothing is
 */
export async function disconnect(
  client: ResilientMqttClient,
  { force, packet }: EndArguments,
  isVersion5: boolean,
): Promise<Error | undefined> {
  try {
    await client.disconnect(farewell(force, packet, isVersion5))
    return undefined
  } catch (error) {
    // Nothing was done.
    await client.disconnect({ drainTimeout: 0 })
    return inMqttjsNames(error, undefined) as Error
  }
}

/**
 * How to disconnect. With `force`, MQTT.js closes the socket without a DISCONNECT, upon which the broker publishes the will.
 */
function farewell(force: boolean, packet: EndArguments['packet'], isVersion5: boolean): DisconnectOptions {
  const { sessionExpiryInterval, userProperties } = (isVersion5 && packet?.properties) || {}
  if (sessionExpiryInterval !== undefined) {
    checkSeconds('properties.sessionExpiryInterval', sessionExpiryInterval, FOUR_BYTES)
  }
  const isWithWill = force || (isVersion5 && packet?.reasonCode === WITH_WILL)
  return {
    drainTimeout: force ? 0 : DRAIN_TIMEOUT,
    ...(isWithWill && { reasonCode: WITH_WILL }),
    ...(sessionExpiryInterval !== undefined && { sessionExpiry: fromSessionExpiryInterval(sessionExpiryInterval) }),
    ...(userProperties && { userProperties }),
  }
}
