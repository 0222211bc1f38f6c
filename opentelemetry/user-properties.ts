import type { TextMapGetter, TextMapSetter } from '@opentelemetry/api'

import { isText } from '../src/config/mqtt-text.ts'
import type { PublishProperties } from '../src/index.ts'

export type UserProperties = NonNullable<PublishProperties['userProperties']>

/** Reads a trace context from user properties (MQTT 5 §3.3.2.3.7). */
export const getter: TextMapGetter<UserProperties> = {
  keys: (properties) => Object.keys(properties),
  get: (properties, key) => {
    const value = Object.hasOwn(properties, key) ? properties[key] : undefined
    return typeof value === 'object' ? [...value] : value
  },
}

export const setter: TextMapSetter<Record<string, string>> = {
  set: (carrier, key, value) => {
    carrier[key] = value
  },
}

/** @throws {TypeError} if a packet cannot contain what a propagator has put in: the publish itself would be rejected */
export function checkCarrier(carrier: Readonly<Record<string, unknown>>): void {
  if (!Object.entries(carrier).flat().every(isText)) throw new TypeError('not MQTT text')
}

/** An upper limit for the bytes of user properties in a packet. */
export function sizeOf(properties: UserProperties): number {
  let size = 0
  for (const [name, values] of Object.entries(properties)) {
    for (const value of typeof values === 'string' ? [values] : values) size += 5 + 3 * (name.length + value.length)
  }
  return size
}
