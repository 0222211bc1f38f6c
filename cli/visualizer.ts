import { InvalidOptionError } from '../src/api/errors.ts'
import type { Visualizer } from '../visualizer/index.ts'
import { defineCommand, UsageError, type Values } from './command.ts'
import { print, type Shell } from './shell.ts'

const TOKEN = 'XSTATE_MQTT_VISUALIZER_TOKEN'

const options = {
  port: { type: 'string', value: '<port>', description: 'the port to listen on (7878); 0 takes a free one' },
  host: {
    type: 'string',
    value: '<host>',
    description:
      'the address to listen on (127.0.0.1); if it is not a loopback address, other machines that have the token can connect',
  },
  token: {
    type: 'string',
    value: '<token>',
    description:
      'at least 16 characters (a random one). All users can read arguments in the list of processes, so set ' +
      `${TOKEN} instead`,
  },
  'allow-commands': {
    type: 'boolean',
    description:
      'shows buttons to retry, wake, recover, connect, disconnect and drop the connection, for apps that allow it too',
  },
  history: { type: 'string', value: '<n>', description: 'how many messages to keep for pages that open later (10000)' },
} as const

export const visualizer = defineCommand({
  options,
  notes: [
    'It prints the address of the page, and the code that makes an app report to it:',
    '',
    "  import { connectVisualizer } from 'xstate-mqtt/visualizer'",
    "  const { inspect } = connectVisualizer('http://127.0.0.1:7878/?token=…', { name: 'gateway 12' })",
    "  const client = new ResilientMqttClient({ url: 'mqtt://localhost', inspect })",
    '',
    'It runs until Ctrl-C. If you choose the token, apps reconnect to it after a restart. Payloads and credentials are',
    'never sent. To see the page without an app, run xstate-mqtt demo --visualizer.',
  ].join('\n'),
  async run(values, _operands, shell) {
    const { signal } = shell.interruption()
    const page = await open(values, shell)
    print(shell, `Visualizer: ${page.url}`)
    print(shell, `In the app: connectVisualizer('${page.url}')`)
    if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }))
    await page.close()
    return 0
  },
})

/** @throws {UsageError} if an option is wrong */
async function open(
  { port = '7878', host, history, ...values }: Values<typeof options>,
  { env }: Pick<Shell, 'env'>,
): Promise<Visualizer> {
  const { createVisualizer } = await import('../visualizer/index.ts')
  const token = values.token ?? env[TOKEN]
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

/** Accepts only digits, otherwise returns `NaN`: `Number` would accept an empty text as 0. */
function wholeNumber(text: string): number {
  return /^\d+$/.test(text) ? Number(text) : Number.NaN
}
