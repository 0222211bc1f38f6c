import { readFileSync } from 'node:fs'

import { MAX_DELAY } from '../machines/policy/backoff.ts'
import type { Qos } from '../src/api/message.ts'
import { checkTopic } from '../src/config/topics.ts'
import { parseUrl } from '../src/shared/parse-url.ts'
import { defineCommand, oneOf, UsageError, type Values } from './command.ts'
import { parseDuration } from './duration.ts'
import type { LiveOptions } from './live.ts'
import { Terminal } from './terminal.ts'

const PASSWORD_ADVICE =
  'A password is never an argument: all users of this machine could read it in the list of processes. ' +
  'Set MQTT_PASSWORD, or use --password-file.'

const options = {
  url: {
    type: 'string',
    value: '<url>',
    description: 'your own broker (mqtt://, mqtts://, ws:// or wss://); runs until Ctrl-C',
  },
  protocol: { type: 'string', value: '<4|5>', description: '4 for MQTT 3.1.1 (the default), 5 for MQTT 5' },
  'client-id': { type: 'string', value: '<id>', description: 'the client id (a generated one)' },
  username: { type: 'string', value: '<name>', description: 'the user name; set its password in MQTT_PASSWORD,' },
  'password-file': { type: 'string', value: '<path>', description: 'or in the first line of this file' },
  ca: { type: 'string', value: '<path>', description: 'a PEM file with a certificate authority to trust' },
  subscribe: {
    type: 'string',
    multiple: true,
    value: '<filter>',
    description: "a topic filter, such as 'a/#'; can be given several times",
  },
  publish: { type: 'string', value: '<topic>', description: 'a topic to which a counter is published, also offline' },
  interval: { type: 'string', value: '<time>', description: 'the time between two publishes (1s)' },
  qos: { type: 'string', value: '<0|1|2>', description: 'for subscriptions and publishes (1)' },
  visualizer: {
    type: 'boolean',
    description: 'repeats the outage until Ctrl-C, to watch on the page; with --url: serves the page',
  },
} as const

export const demo = defineCommand({
  options,
  refused: { '--password': PASSWORD_ADVICE },
  notes: [
    'Without --url, it starts a broker, kills it, and shows how the client recovers. This takes about 12 seconds. The',
    'exit code is 1 if the client did not go through all states, or if an accepted message was lost. The demo prints the',
    'address of a page that shows the machine while it runs. With --visualizer, it runs until Ctrl-C.',
  ].join('\n'),
  async run(values) {
    const terminal = new Terminal()
    if (values.url === undefined) {
      const stray = Object.keys(values).find((name) => name !== 'visualizer')
      if (stray !== undefined) throw new UsageError(`--${stray} needs --url: without it, the demo uses its own broker`)
      const { runOutage } = await import('./outage.ts')
      return runOutage(terminal, { repeat: values.visualizer ?? false })
    }
    const live = liveOptions(values.url, values)
    const { runLive } = await import('./live.ts')
    return runLive(terminal, live)
  },
})

/** @throws {UsageError} */
function liveOptions(url: string, values: Values<typeof options>): LiveOptions {
  const { protocol = '4', qos = '1', interval = '1s', subscribe = [], publish } = values
  if (parseUrl(url)?.password) throw new UsageError(PASSWORD_ADVICE)
  if (publish !== undefined) checkTopic(publish, '--publish')
  const clientId = values['client-id']
  return {
    url,
    protocolVersion: Number(oneOf('--protocol', protocol, ['4', '5'])) as 4 | 5,
    ...(clientId !== undefined && { clientId }),
    ...credentials(values),
    ...(values.ca !== undefined && { tls: { ca: read('--ca', values.ca) } }),
    subscribe,
    publish,
    interval: between('--interval', parseDuration('--interval', interval)),
    qos: Number(oneOf('--qos', qos, ['0', '1', '2'])) as Qos,
    visualizer: values.visualizer ?? false,
  }
}

function credentials({ username, 'password-file': file }: Values<typeof options>) {
  const password = file === undefined ? process.env.MQTT_PASSWORD : read('--password-file', file).split(/\r?\n/, 1)[0]
  if (username === undefined) {
    // MQTT 3.1.1 §3.1.2.9: no password without a user name.
    if (file !== undefined) throw new UsageError('--password-file needs --username')
    return {}
  }
  return { username, ...(password !== undefined && { password }) }
}

/** Checks an interval, which must not be 0: the loop would never pause. */
function between(flag: string, interval: number): number {
  if (interval >= 1 && interval <= MAX_DELAY) return interval
  throw new UsageError(`${flag} must be between 1ms and 24d, got ${interval} ms`)
}

function read(flag: string, path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new UsageError(`${flag}: ${(error as Error).message}`)
  }
}
