import { readFileSync } from 'node:fs'

import { MAX_DELAY } from '../machines/policy/backoff.ts'
import { checkTopic } from '../src/config/topics.ts'
import type { Qos } from '../src/api/message.ts'
import { defineCommand, oneOf, UsageError, type Values } from './command.ts'
import { parseDuration } from './duration.ts'
import type { LiveOptions } from './live.ts'
import { Terminal } from './terminal.ts'

const PASSWORD_ADVICE =
  'A password is never an argument: every user of this machine could read it in the list of processes. ' +
  'Set MQTT_PASSWORD, or use --password-file.'

const options = {
  url: {
    type: 'string',
    value: '<url>',
    description: 'mqtt://, mqtts://, ws:// or wss://: a real broker, until Ctrl-C',
  },
  protocol: { type: 'string', value: '<4|5>', description: '4 is MQTT 3.1.1 (the default), 5 is MQTT 5' },
  'client-id': { type: 'string', value: '<id>', description: 'by default a generated one' },
  username: { type: 'string', value: '<name>', description: 'its password comes from MQTT_PASSWORD, or' },
  'password-file': { type: 'string', value: '<path>', description: 'from the first line of a file' },
  ca: { type: 'string', value: '<path>', description: 'a certificate authority to trust, as PEM' },
  subscribe: {
    type: 'string',
    multiple: true,
    value: '<filter>',
    description: "such as 'a/#'; more than once if you like",
  },
  publish: { type: 'string', value: '<topic>', description: 'publishes a counter there, offline too' },
  interval: { type: 'string', value: '<time>', description: 'between two publishes (1s)' },
  qos: { type: 'string', value: '<0|1|2>', description: 'of subscriptions and publishes (1)' },
  visualizer: {
    type: 'boolean',
    description: 'outage after outage, until Ctrl-C, to look on; with --url: serves the page',
  },
} as const

export const demo = defineCommand({
  name: 'demo',
  summary: 'one whole outage on a broker in this process, or the client on a broker of yours',
  options,
  refused: { '--password': PASSWORD_ADVICE },
  notes: [
    'Without --url it starts a broker, kills it, and shows how the client comes back, in about 12 seconds. The exit',
    'code is 1 if it did not go through every state, or anything that was accepted was lost. The page whose address it',
    'prints shows the machine while it runs; with --visualizer it stays, and there is something to see on it.',
  ].join('\n'),
  async run(values) {
    const terminal = new Terminal()
    if (values.url === undefined) {
      const stray = Object.keys(values).find((name) => name !== 'visualizer')
      if (stray !== undefined) throw new UsageError(`--${stray} needs --url: without it the broker is our own`)
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
  if (URL.canParse(url) && new URL(url).password !== '') throw new UsageError(PASSWORD_ADVICE)
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

/** More than nothing: a loop without a pause is no demo. */
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
