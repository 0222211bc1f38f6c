import { MAX_DELAY } from '../machines/policy/backoff.ts'
import type { Qos } from '../src/api/message.ts'
import { checkTopic } from '../src/config/topics.ts'
import { defineCommand, oneOf, UsageError, type Values } from './command.ts'
import { CONNECTION_NOTES, connectionFlags, refusedConnectionFlags } from './connection-flags.ts'
import { readConnection } from './connection.ts'
import { parseDuration } from './duration.ts'
import type { LiveOptions } from './live.ts'
import { printError, type Shell } from './shell.ts'
import { Terminal } from './terminal.ts'

const options = {
  subscribe: {
    type: 'string',
    multiple: true,
    value: '<filter>',
    description: "a topic filter, such as 'a/#'; can be given several times",
  },
  publish: { type: 'string', value: '<topic>', description: 'a topic to which a counter is published, also offline' },
  interval: {
    type: 'string',
    value: '<time>',
    description: 'the time between two publishes, such as 2s or a number of milliseconds (1s)',
  },
  qos: { type: 'string', value: '<0|1|2>', description: 'for subscriptions and publishes (1)' },
  visualizer: {
    type: 'boolean',
    description: 'repeats the outage until Ctrl-C, to watch on the page; with --url: serves the page',
  },
  ...connectionFlags,
} as const

export const demo = defineCommand({
  options,
  refused: refusedConnectionFlags,
  notes: [
    'Without --url, it starts a broker, kills it, and shows how the client recovers. This takes about 12 seconds. The',
    'exit code is 1 if the client did not go through all states, or if an accepted message was lost. The demo prints the',
    'address of a page that shows the machine while it runs. With --visualizer, it runs until Ctrl-C.',
    '',
    CONNECTION_NOTES,
  ].join('\n'),
  async run(values, _operands, shell) {
    const terminal = new Terminal(shell.stdout)
    // Not from the environment: without a flag, the demo shows its outage.
    if (values.url === undefined && values.host === undefined) {
      const stray = Object.keys(values).find((name) => name !== 'visualizer')
      if (stray !== undefined) throw new UsageError(`--${stray} needs --url: without it, the demo uses its own broker`)
      const { runOutage } = await import('./outage.ts')
      return runOutage(terminal, { repeat: values.visualizer ?? false })
    }
    const live = liveOptions(values, shell)
    for (const warning of live.connection.warnings) printError(shell, warning)
    const { runLive } = await import('./live.ts')
    return runLive(terminal, live)
  },
})

/** @throws {UsageError} */
function liveOptions(values: Values<typeof options>, shell: Shell): LiveOptions {
  const { qos = '1', interval = '1s', subscribe = [], publish } = values
  if (publish !== undefined) checkTopic(publish, '--publish')
  return {
    connection: readConnection(values, shell),
    subscribe,
    publish,
    interval: between('--interval', parseDuration('--interval', interval)),
    qos: Number(oneOf('--qos', qos, ['0', '1', '2'])) as Qos,
    visualizer: values.visualizer ?? false,
  }
}

/** Checks an interval, which must not be 0: the loop would never pause. */
function between(flag: string, interval: number): number {
  if (interval >= 1 && interval <= MAX_DELAY) return interval
  throw new UsageError(`${flag} must be between 1ms and 24d, got ${interval} ms`)
}
