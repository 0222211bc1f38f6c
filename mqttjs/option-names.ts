import { InvalidOptionError } from '../src/api/errors.ts'
import type { ClientOptions } from './options.ts'

/** MQTT.js's names of the options that are called otherwise here. Those of a group stand for all that is in it. */
const NAMES: Readonly<Record<string, string>> = {
  sessionExpiry: 'properties.sessionExpiryInterval',
  receiveMaximum: 'properties.receiveMaximum',
  maximumPacketSize: 'properties.maximumPacketSize',
  topicAliasMaximum: 'properties.topicAliasMaximum',
  userProperties: 'properties.userProperties',
  'authentication.method': 'properties.authenticationMethod',
  'authentication.start().data': 'properties.authenticationData',
  'reconnect.initialDelay': 'reconnectPeriod',
  'timeouts.connectTimeout': 'connectTimeout',
  'subscriptions.batchSize': 'subscribeBatchSize',
  // Of calls.
  payload: 'message',
  noLocal: 'nl',
  retainAsPublished: 'rap',
  retainHandling: 'rh',
}

/** An error in the names of MQTT.js, if it is about an option. @param resilient - the option of that name */
export function inMqttjsNames(error: unknown, resilient: ClientOptions['resilient']): unknown {
  if (!(error instanceof InvalidOptionError)) return error
  const { option, rule, value, cause } = error
  const name = isOwn(option, resilient) ? `resilient.${option}` : nameOf(option.replace(/^options\./, ''))
  if (name === option) return error
  // MQTT.js has no codecs.
  const inWords = rule.replace(', unless a codec is given', '')
  return Object.assign(new InvalidOptionError(name, inWords, value), cause !== undefined && { cause })
}

/** Whether the value stands in the option `resilient`, which has our names. */
function isOwn(option: string, resilient: unknown): boolean {
  const [first = '', second] = option.split('.')
  const group = Object(resilient) as Readonly<Record<string, unknown>>
  if (!Object.hasOwn(group, first)) return false
  // The others in such a group follow from options of MQTT.js.
  return (
    second === undefined || NAMES[`${first}.${second}`] === undefined || Object.hasOwn(Object(group[first]), second)
  )
}

function nameOf(path: string): string {
  const known = Object.keys(NAMES).find((each) => path === each || path.startsWith(`${each}.`))
  if (known !== undefined) return `${NAMES[known]}${path.slice(known.length)}`
  // MQTT.js has them beside all others.
  return path.replace(/^tls\./, '')
}
