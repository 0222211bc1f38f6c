import type { Visualizer } from '../visualizer/index.ts'
import { InvalidOptionError } from '../src/api/errors.ts'
import { defineCommand, UsageError, type Values } from './command.ts'
import { interruption } from './interruption.ts'

const TOKEN = 'XSTATE_MQTT_VISUALIZER_TOKEN'

const options = {
  port: { type: 'string', value: '<port>', description: 'where it listens (7878); 0 takes a free one' },
  host: {
    type: 'string',
    value: '<host>',
    description: '(127.0.0.1); with anything but loopback others get in who have the token',
  },
  token: {
    type: 'string',
    value: '<token>',
    description:
      'at least 16 characters (a random one). An argument can be read in the list\n' +
      `of processes: ${TOKEN} is the better place`,
  },
  'allow-commands': {
    type: 'boolean',
    description:
      'buttons to retry, wake, recover, connect, disconnect, and drop the connection,\nof apps that allow it too',
  },
  history: { type: 'string', value: '<n>', description: 'messages that are kept for those who look later (2000)' },
} as const

export const visualizer = defineCommand({
  name: 'visualizer',
  summary: 'a page that shows running connections, which apps report to',
  options,
  notes: [
    'It prints the address of the page, and the line that makes an app report to it:',
    '',
    "  import { connectVisualizer } from 'xstate-mqtt/visualizer'",
    "  const { inspect } = connectVisualizer('http://127.0.0.1:7878/?token=…', { name: 'gateway 12' })",
    "  const client = new ResilientMqttClient({ url: 'mqtt://localhost', inspect })",
    '',
    'It runs until Ctrl-C. Apps come and go; with a token of your own they find it again when it comes back. Payloads',
    'and credentials are never sent. Something to look at without an app: xstate-mqtt demo --visualizer.',
  ].join('\n'),
  async run(values) {
    const { signal } = interruption()
    const page = await open(values)
    console.log(`Visualizer: ${page.url}`)
    console.log(`In the app: connectVisualizer('${page.url}')`)
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    await page.close()
    return 0
  },
})

/** @throws {UsageError} if an option is wrong */
async function open({ port = '7878', host, history, ...values }: Values<typeof options>): Promise<Visualizer> {
  const { createVisualizer } = await import('../visualizer/index.ts')
  const token = values.token ?? process.env[TOKEN]
  try {
    return await createVisualizer({
      name: 'xstate-mqtt visualizer',
      port: wholeNumber(port),
      allowCommands: values['allow-commands'] ?? false,
      ...(host !== undefined && { host }),
      ...(token !== undefined && { token }),
      ...(history !== undefined && { history: wholeNumber(history) }),
    })
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error
    const given: Readonly<Record<string, string | undefined>> = { port, host, history }
    const value = given[error.option]
    const option = error.option === 'token' && values.token === undefined ? TOKEN : `--${error.option}`
    throw new UsageError(`${option} ${error.rule}${value === undefined ? '' : `, got '${value}'`}`)
  }
}

/** Not a number, unless it is one in digits: an empty value would be 0, and 1e3 is none that people write. */
function wholeNumber(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN
}
