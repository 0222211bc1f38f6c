import { InvalidOptionError } from '../api/errors.ts'
import type { PublishProperties, UserProperties } from '../api/message.ts'
import { byteLength } from '../shared/byte-length.ts'
import { copyOf } from '../shared/bytes.ts'
import { nothing } from '../shared/nothing.ts'
import { boolean, must } from '../shared/option-rules.ts'
import { didYouMean, entriesOf, isObject, readByRules, type RulesFor } from '../shared/read-options.ts'
import { isData, MAX_BYTES, textInSecret } from './mqtt-text.ts'
import { topicRule } from './topics.ts'

const MAX_INTERVAL = 0xffffffff

/** Limit for the names and values of all user properties of a packet. MQTT itself limits only the packet. */
export const MAX_USER_BYTES = 1_048_576

const contentTypeRule = `must be a string of at most ${MAX_BYTES} bytes`
const userPropertiesRule = `must be strings, or lists of strings, of at most ${MAX_BYTES} bytes`

/** Errors do not show values that may contain secrets of the application. */
const rules = {
  payloadFormatIndicator: boolean,
  messageExpiryInterval: must(
    `must be whole seconds up to ${MAX_INTERVAL}`,
    (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_INTERVAL,
  ),
  responseTopic: topicRule,
  correlationData: (option, value) => {
    if (!isData(value)) throw new InvalidOptionError(option, `must be a Uint8Array of at most ${MAX_BYTES} bytes`)
    return copyOf(value)
  },
  contentType: (option, value) => {
    if (typeof value !== 'string') throw new InvalidOptionError(option, contentTypeRule)
    return textInSecret(option, value)
  },
  userProperties: (option, value) => parseUserProperties(value, option),
  // A client must not send it (MQTT-3.3.4-6). It is dropped, so that the properties of a message can be passed on as
  // is.
  subscriptionIdentifier: nothing,
} satisfies RulesFor<PublishProperties>

/**
 * Checks the properties of a PUBLISH or a will and copies them, so that later changes by the application do not reach a
 * packet. The checks are necessary because mqtt-packet throws, destroys the connection, or writes nothing at all when
 * it cannot encode a property.
 *
 * @param path - the path of the properties, for errors
 * @returns the copy, or `undefined` if it would be empty
 * @throws {InvalidOptionError}
 */
export function parseProperties(
  properties: PublishProperties | undefined,
  path = 'properties',
): PublishProperties | undefined {
  if (properties === undefined) return undefined
  if (!isObject(properties)) throw new InvalidOptionError(path, 'must be an object')
  const parsed = readByRules(properties, rules, { of: path, path: `${path}.`, hint: propertyHint })
  return Object.keys(parsed).length > 0 ? parsed : undefined
}

/**
 * Checks user properties (MQTT 5 §3.1.2.11.8, §3.3.2.3.7) and copies them, without `undefined` values and empty lists.
 * Errors do not show the values.
 *
 * @throws {InvalidOptionError}
 */
export function parseUserProperties(userProperties: unknown, path: string): UserProperties | undefined {
  if (userProperties === undefined) return undefined
  if (!isObject(userProperties)) throw new InvalidOptionError(path, userPropertiesRule)
  const parsed: [string, string | readonly string[]][] = []
  let bytes = 0
  for (const [name, value] of entriesOf(userProperties)) {
    if (value === undefined || (Array.isArray(value) && value.length === 0)) continue
    // The holes of a sparse list become `undefined`, which the check of each text rejects.
    const texts = Array.isArray(value) ? Array.from<unknown>(value) : [value]
    textInSecret(path, name)
    for (const text of texts) {
      checkUserText(`${path}.${name}`, text)
      bytes += byteLength(name) + byteLength(text)
    }
    parsed.push([name, Array.isArray(value) ? Object.freeze(texts as string[]) : (value as string)])
  }
  if (bytes > MAX_USER_BYTES) throw new InvalidOptionError(path, `must be at most ${MAX_USER_BYTES} bytes in all`)
  return parsed.length > 0 ? Object.freeze(Object.fromEntries(parsed)) : undefined
}

/** An alias belongs to one connection, and a publish may outlive several. */
function propertyHint(name: string, known: readonly string[]): string | undefined {
  return name === 'topicAlias' ? 'see options.autoAssignTopicAlias' : didYouMean(name, known)
}

function checkUserText(option: string, text: unknown): asserts text is string {
  if (typeof text !== 'string') throw new InvalidOptionError(option, userPropertiesRule)
  textInSecret(option, text)
}
