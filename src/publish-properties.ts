import { InvalidOptionError } from './errors.ts'
import { isLonger } from './session/byte-length.ts'
import { checkTopic } from './topics.ts'
import type { PublishProperties } from './types.ts'

/** What a length of two bytes can tell (MQTT 5 §1.5.4). */
const MAX_BYTES = 65_535
const MAX_INTERVAL = 0xffffffff

/**
 * Checks the properties of a PUBLISH, and leaves out what is empty: on what it can't encode, mqtt-packet destroys the
 * connection or writes nothing at all.
 *
 * @throws {InvalidOptionError}
 */
export function checkProperties(properties: PublishProperties | undefined): PublishProperties | undefined {
  if (properties === undefined) return undefined
  const { payloadFormatIndicator, messageExpiryInterval, responseTopic, correlationData, contentType } = properties
  check('payloadFormatIndicator', 'must be true or false', payloadFormatIndicator, (it) => typeof it === 'boolean')
  check('messageExpiryInterval', `must be whole seconds up to ${MAX_INTERVAL}`, messageExpiryInterval, isInterval)
  if (responseTopic !== undefined) checkTopic(responseTopic, 'properties.responseTopic')
  check('correlationData', `must be a Uint8Array of at most ${MAX_BYTES} bytes`, correlationData, isShortData)
  check('contentType', `must be a string of at most ${MAX_BYTES} bytes`, contentType, isShortText)
  const userProperties = checkUserProperties(properties.userProperties)
  const checked = {
    ...(payloadFormatIndicator !== undefined && { payloadFormatIndicator }),
    ...(messageExpiryInterval !== undefined && { messageExpiryInterval }),
    ...(responseTopic !== undefined && { responseTopic }),
    ...(correlationData !== undefined && { correlationData }),
    ...(contentType !== undefined && { contentType }),
    ...(userProperties && { userProperties }),
  }
  return Object.keys(checked).length > 0 ? checked : undefined
}

function checkUserProperties(userProperties: PublishProperties['userProperties']): PublishProperties['userProperties'] {
  if (userProperties === undefined) return undefined
  const rule = `must be strings, or lists of strings, of at most ${MAX_BYTES} bytes`
  check('userProperties', rule, userProperties, (it) => typeof it === 'object' && it !== null)
  const entries = Object.entries(userProperties).filter(([, value]) => !Array.isArray(value) || value.length > 0)
  for (const [name, value] of entries) {
    check('userProperties', rule, name, isShortText)
    for (const each of [value].flat()) check(`userProperties.${name}`, rule, each, isShortText)
  }
  return entries.length > 0 ? Object.fromEntries(entries) : undefined
}

function check(property: string, rule: string, value: unknown, isRight: (value: unknown) => boolean): void {
  if (value !== undefined && !isRight(value)) throw new InvalidOptionError(`properties.${property}`, rule, value)
}

function isInterval(value: unknown): boolean {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_INTERVAL
}

function isShortText(value: unknown): boolean {
  return typeof value === 'string' && !isLonger(value, MAX_BYTES)
}

function isShortData(value: unknown): boolean {
  return value instanceof Uint8Array && value.byteLength <= MAX_BYTES
}
