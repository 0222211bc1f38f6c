import { parseArgs } from 'node:util'

import { createVisualizer } from './server.ts'

const USAGE = `xstate-mqtt visualizer [--port 7878] [--host 127.0.0.1] [--token …] [--allow-commands] [--history 2000]

Serves the page that shows running connections. Apps report to it with connectVisualizer(url). Ends with Ctrl-C.
The token may also come from the environment: XSTATE_MQTT_VISUALIZER_TOKEN.`

/** Where the command writes to, and what ends it. */
export interface VisualizerCommand {
  readonly write: (line: string) => void
  /** Ends the command, as Ctrl-C does. */
  readonly signal: AbortSignal
}

/**
 * `xstate-mqtt visualizer`: serves the page until it is told to end.
 *
 * @param argv - what follows `visualizer` on the command line
 * @returns the exit code
 */
export async function runVisualizer(argv: readonly string[], { write, signal }: VisualizerCommand): Promise<number> {
  let visualizer
  try {
    const { values } = parseArgs({
      args: [...argv],
      options: {
        port: { type: 'string', default: '7878' },
        host: { type: 'string', default: '127.0.0.1' },
        token: { type: 'string' },
        'allow-commands': { type: 'boolean', default: false },
        history: { type: 'string', default: '2000' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    })
    if (values.help) {
      write(USAGE)
      return 0
    }
    // On the command line others of this machine can read it.
    const token = values.token ?? process.env['XSTATE_MQTT_VISUALIZER_TOKEN']
    visualizer = await createVisualizer({
      port: Number(values.port),
      host: values.host,
      allowCommands: values['allow-commands'],
      history: Number(values.history),
      name: 'xstate-mqtt visualizer',
      ...(token !== undefined && { token }),
    })
  } catch (error) {
    write(error instanceof Error ? error.message : String(error))
    write(USAGE)
    return 2
  }
  write(`Visualizer: ${visualizer.url}`)
  write(`In the app: connectVisualizer('${visualizer.url}')`)
  if (!signal.aborted) {
    await new Promise<void>((resolve) => {
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }
  await visualizer.close()
  return 0
}
