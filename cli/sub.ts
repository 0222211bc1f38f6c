import type { Qos } from '../src/api/message.ts'
import { checkFilter } from '../src/config/topics.ts'
import { defineCommand, oneOf, UsageError, type Values } from './command.ts'
import { CONNECTION_NOTES, connectionFlags, refusedConnectionFlags } from './connection-flags.ts'
import { splitOperands } from './connection-target.ts'
import { readConnection } from './connection.ts'
import { parseCount, parseTimer } from './duration.ts'
import { jsonFormat, rawFormat, type MessageFormat } from './messages/message-format.ts'
import type { ReceiveOptions } from './messages/receive.ts'
import type { Shell } from './shell.ts'

const options = {
  topic: {
    type: 'string',
    short: 't',
    multiple: true,
    value: '<filter>',
    description: "a topic filter, such as 'a/#'; can be given several times",
  },
  qos: { type: 'string', short: 'q', value: '<0|1|2>', description: 'the QoS of the subscriptions (1)' },
  json: { type: 'boolean', description: 'prints each message as a line of JSON, with its topic and properties' },
  verbose: { type: 'boolean', short: 'v', description: 'prints the topic before each payload' },
  'no-newline': { type: 'boolean', short: 'N', description: 'prints nothing after a payload, instead of a new line' },
  count: { type: 'string', short: 'C', value: '<n>', description: 'ends after so many messages' },
  wait: {
    type: 'string',
    short: 'W',
    value: '<time>',
    description: 'ends after this time, such as 5m or a number of seconds, with the exit code 27',
  },
  'no-retained': {
    type: 'boolean',
    short: 'R',
    description: 'leaves out retained messages that are older than the subscription',
  },
  'keep-session': {
    type: 'boolean',
    short: 'c',
    aliases: ['disable-clean-session'],
    description: 'lets the broker keep what comes while this command does not run. It needs --client-id',
  },
  quiet: { type: 'boolean', description: 'says nothing about the connection on stderr' },
  ...connectionFlags,
} as const

export const sub = defineCommand({
  options,
  operands: '[url] [filter…]',
  refused: refusedConnectionFlags,
  notes: [
    'Prints the payloads of messages on stdout, and what happens to the connection on stderr. It never gives up: after an',
    'interruption it connects and subscribes again. A message is acknowledged when the system has taken its output, so that',
    'the broker waits for a slow reader. Without a URL, the broker is mqtt://localhost.',
    '',
    "  xstate-mqtt sub mqtt://localhost 'sensors/#' --json",
    '  xstate-mqtt sub -t alarms -C 1 -W 30',
    '',
    'Exit codes: 0: --count is reached, the reader of stdout is gone, or Ctrl-C. 1: stdout failed. 2: the command line is',
    'wrong. 27: --wait is over. Else the code with which the broker has refused the connection, or all subscriptions: 5 or',
    '135 for not authorized, for example.',
    '',
    CONNECTION_NOTES,
  ].join('\n'),
  async run(values, operands, shell) {
    const receiveOptions = read(values, operands, shell)
    const { receive } = await import('./messages/receive.ts')
    return receive(receiveOptions, shell)
  },
})

/** @throws {UsageError} */
function read(values: Values<typeof options>, operands: readonly string[], shell: Shell): ReceiveOptions {
  const { qos = '1', count, wait } = values
  const { url, topics } = splitOperands(operands, values)
  const filters = [...new Set([...topics, ...(values.topic ?? [])])]
  if (filters.length === 0) throw new UsageError("the topic filter is missing: give --topic, such as --topic 'a/#'")
  for (const filter of filters) checkFilter(filter, '--topic')
  return {
    connection: readConnection(values, shell, {
      url,
      defaultUrl: 'mqtt://localhost',
      ...(values['keep-session'] && { options: { clean: false }, flags: { 'options.clean': '--keep-session' } }),
    }),
    filters,
    qos: Number(oneOf('--qos', qos, ['0', '1', '2'])) as Qos,
    count: count === undefined ? Number.POSITIVE_INFINITY : atLeastOne('--count', parseCount('--count', count)),
    wait: wait === undefined ? undefined : parseTimer('--wait', wait),
    isQuiet: values.quiet ?? false,
    withRetained: !values['no-retained'],
    format: formatOf(values, shell),
  }
}

function formatOf(values: Values<typeof options>, { stdout }: Shell): MessageFormat {
  if (!values.json) {
    return rawFormat({
      withTopic: values.verbose ?? false,
      end: values['no-newline'] ? '' : '\n',
      forTerminal: stdout.isTTY === true,
    })
  }
  const stray = (['verbose', 'no-newline'] as const).find((flag) => values[flag])
  if (stray !== undefined) throw new UsageError(`--${stray} and --json exclude each other`)
  return jsonFormat(Date.now)
}

function atLeastOne(flag: string, count: number): number {
  if (count >= 1) return count
  throw new UsageError(`${flag} must be at least 1, got ${count}`)
}
