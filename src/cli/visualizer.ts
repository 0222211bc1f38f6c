import { defineCommand } from './command.ts'
import { interruption } from './interruption.ts'

export const visualizer = defineCommand({
  name: 'visualizer',
  summary: 'a page that shows running connections, which apps report to',
  options: {
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
        'of processes: XSTATE_MQTT_VISUALIZER_TOKEN is the better place',
    },
    'allow-commands': {
      type: 'boolean',
      description: 'buttons to retry, wake, connect, disconnect, and drop the connection,\nof apps that allow it too',
    },
    history: { type: 'string', value: '<n>', description: 'messages that are kept for those who look later (2000)' },
  },
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
    const { runVisualizer } = await import('../../visualizer/index.ts')
    const args = Object.entries(values).map(([name, value]) => (value === true ? `--${name}` : `--${name}=${value}`))
    return runVisualizer(args, { write: (line) => console.log(line), signal: interruption().signal })
  },
})
