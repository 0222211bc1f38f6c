import { createReadStream } from 'node:fs'
import { Readable } from 'node:stream'

import type { PublishProperties, Qos } from '../src/api/message.ts'
import { checkTopic } from '../src/config/topics.ts'
import { defineCommand, oneOf, UsageError, type Values } from './command.ts'
import { CONNECTION_NOTES, connectionFlags, refusedConnectionFlags } from './connection-flags.ts'
import { splitOperands } from './connection-target.ts'
import { readConnection } from './connection.ts'
import { parseSeconds, parseTimer } from './duration.ts'
import { linesOf, wholeOf } from './messages/payloads.ts'
import type { SendOptions } from './messages/send.ts'
import type { Shell } from './shell.ts'

const options = {
  topic: { type: 'string', short: 't', value: '<topic>', description: 'the topic' },
  message: { type: 'string', short: 'm', value: '<text>', description: 'publishes this payload' },
  file: { type: 'string', short: 'f', value: '<path>', description: 'publishes the contents of a file as one payload' },
  'null-message': { type: 'boolean', short: 'n', description: 'publishes an empty payload' },
  stdin: {
    type: 'boolean',
    short: 's',
    aliases: ['stdin-file'],
    description: 'publishes everything on stdin as one payload',
  },
  'stdin-line': { type: 'boolean', short: 'l', description: 'publishes each line on stdin, as soon as it comes' },
  qos: { type: 'string', short: 'q', value: '<0|1|2>', description: 'the QoS (1)' },
  retain: { type: 'boolean', short: 'r', description: 'lets the broker keep the message for later subscribers' },
  wait: {
    type: 'string',
    short: 'W',
    value: '<time>',
    description: 'ends after this time, such as 5m or a number of seconds, with the exit code 27',
  },
  'content-type': { type: 'string', value: '<type>', description: 'the Content Type (MQTT 5)' },
  'response-topic': { type: 'string', value: '<topic>', description: 'the Response Topic (MQTT 5)' },
  expiry: {
    type: 'string',
    value: '<time>',
    description: 'the Message Expiry Interval (MQTT 5), such as 1h or a number of seconds',
  },
  'user-property': {
    type: 'string',
    multiple: true,
    value: '<name=value>',
    description: 'a User Property (MQTT 5); can be given several times',
  },
  quiet: { type: 'boolean', description: 'says nothing about the connection on stderr' },
  ...connectionFlags,
} as const

export const pub = defineCommand({
  options,
  operands: '[url] [topic]',
  refused: refusedConnectionFlags,
  notes: [
    'Publishes, and ends when the broker has acknowledged everything. It never gives up: after an interruption it connects',
    'again and sends what was not acknowledged, in order. It stops reading while 1,000 messages or 16 MiB are',
    'unacknowledged. Without a URL, the broker is mqtt://localhost.',
    '',
    '  xstate-mqtt pub mqtt://localhost lamps/1 -m on --retain',
    '  tail -f readings.log | xstate-mqtt pub -t readings --stdin-line',
    '',
    'With QoS 0, a message counts as sent when it is written to the socket, and may be lost.',
    '',
    'Exit codes: 0: everything that was read is acknowledged. 1: some of it is not, or the input failed. 2: the command line',
    'is wrong. 27: --wait is over. Else the code with which the broker has refused the connection: 5 or 135 for not',
    'authorized, for example.',
    '',
    CONNECTION_NOTES,
  ].join('\n'),
  async run(values, operands, shell) {
    const sendOptions = read(values, operands, shell)
    const { send } = await import('./messages/send.ts')
    return send(sendOptions, shell)
  },
})

/** @throws {UsageError} */
function read(values: Values<typeof options>, operands: readonly string[], shell: Shell): SendOptions {
  const { qos = '1', wait } = values
  const { url, topics } = splitOperands(operands, values)
  const [topic, another] = [...topics, ...(values.topic === undefined ? [] : [values.topic])]
  if (topic === undefined) throw new UsageError('the topic is missing: give --topic')
  if (another !== undefined) {
    const advice = sources.some((each) => values[each] !== undefined) ? '' : ': give the payload by --message'
    throw new UsageError(`there can be only one topic, got '${topic}' and '${another}'${advice}`)
  }
  checkTopic(topic, '--topic')
  return {
    connection: readConnection(values, shell, { url, defaultUrl: 'mqtt://localhost' }),
    topic,
    ...payloads(values, shell),
    qos: Number(oneOf('--qos', qos, ['0', '1', '2'])) as Qos,
    retain: values.retain ?? false,
    properties: propertiesOf(values),
    wait: wait === undefined ? undefined : parseTimer('--wait', wait),
    isQuiet: values.quiet ?? false,
  }
}

const sources = ['message', 'file', 'null-message', 'stdin', 'stdin-line'] as const

function payloads(values: Values<typeof options>, shell: Shell): Pick<SendOptions, 'open' | 'payloadsOf'> {
  const [source, another] = sources.filter((each) => values[each] !== undefined)
  if (another !== undefined) throw new UsageError(`--${source} and --${another} exclude each other`)
  switch (source) {
    case undefined:
      throw new UsageError(`the payload is missing: give one of ${sources.map((each) => `--${each}`).join(', ')}`)
    case 'file':
      return { open: () => createReadStream(values.file ?? ''), payloadsOf: wholeOf }
    case 'stdin':
      return { open: () => shell.stdin, payloadsOf: wholeOf }
    case 'stdin-line':
      return { open: () => shell.stdin, payloadsOf: linesOf }
    default:
      return { open: () => Readable.from([Buffer.from(values.message ?? '')]), payloadsOf: wholeOf }
  }
}

function propertiesOf(values: Values<typeof options>): PublishProperties | undefined {
  const { expiry, 'content-type': contentType, 'response-topic': responseTopic, 'user-property': pairs = [] } = values
  if (responseTopic !== undefined) checkTopic(responseTopic, '--response-topic')
  const userProperties = new Map<string, string[]>()
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at === -1) throw new UsageError(`--user-property must be name=value, got '${pair}'`)
    const name = pair.slice(0, at)
    userProperties.set(name, [...(userProperties.get(name) ?? []), pair.slice(at + 1)])
  }
  const properties = {
    ...(contentType !== undefined && { contentType }),
    ...(responseTopic !== undefined && { responseTopic }),
    ...(expiry !== undefined && { messageExpiryInterval: expiryOf(expiry) }),
    ...(pairs.length > 0 && { userProperties: Object.fromEntries(userProperties) }),
  }
  return Object.keys(properties).length > 0 ? properties : undefined
}

/** @returns seconds, as on the wire, which has four bytes for them. @throws {UsageError} */
function expiryOf(text: string): number {
  const seconds = Math.ceil(parseSeconds('--expiry', text) / 1_000)
  if (seconds <= 0xffffffff) return seconds
  throw new UsageError(`--expiry must be at most 49710d, got '${text}'`)
}
