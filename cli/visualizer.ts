import { defineCommand } from './command.ts'
import { print } from './shell.ts'
import { interrupted, serverOptions, startServer, wholeNumber } from './visualizer-server.ts'

export const visualizer = defineCommand({
  options: {
    ...serverOptions,
    'allow-commands': {
      type: 'boolean',
      description:
        'shows buttons to retry, wake, recover, connect, disconnect and drop the connection, for apps that allow it too',
    },
    history: {
      type: 'string',
      value: '<n>',
      description: 'how many messages to keep for pages that open later (10000)',
    },
  },
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
  async run({ history, 'allow-commands': allowCommands = false, ...values }, _operands, shell) {
    const interruption = shell.interruption()
    const { createVisualizer } = await import('../visualizer/index.ts')
    const page = await startServer({ ...values, ...(history !== undefined && { history }) }, shell, (settings) =>
      createVisualizer({
        name: 'xstate-mqtt visualizer',
        ...settings,
        allowCommands,
        ...(history !== undefined && { history: wholeNumber(history) }),
      }),
    )
    print(shell, `Visualizer: ${page.url}`)
    print(shell, `In the app: connectVisualizer('${page.url}')`)
    await interrupted(interruption)
    await page.close()
    return 0
  },
})
