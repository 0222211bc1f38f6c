#!/usr/bin/env node
import { readFileSync } from 'node:fs'

import { type Command, UsageError, usageMessage } from './command.ts'

/** The commands. Each is loaded only when it is needed: `timeline` needs neither MQTT.js nor a broker. */
const commands: Readonly<Record<string, () => Promise<Command>>> = {
  demo: async () => (await import('./demo.ts')).demo,
  timeline: async () => (await import('./timeline.ts')).timeline,
  diagram: async () => (await import('./diagram.ts')).diagram,
  store: async () => (await import('./store.ts')).store,
  visualizer: async () => (await import('./visualizer.ts')).visualizer,
}

// It is not an error if the reader of the output, such as `head`, closes the pipe.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

process.exitCode = await main(process.argv.slice(2))

async function main([name, ...args]: readonly string[]): Promise<number> {
  try {
    if (name === '--version') {
      console.log(version())
      return 0
    }
    if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
      const asked = args[0] !== undefined && commands[args[0]]
      console.log(asked ? (await asked()).help : await overview())
      return name === undefined ? 2 : 0
    }
    const load = Object.hasOwn(commands, name) ? commands[name] : undefined
    if (!load) {
      throw new UsageError(`There is no command '${name}'. The commands are ${Object.keys(commands).join(', ')}`)
    }
    return await (await load()).run(args)
  } catch (error) {
    return failed(error, name)
  }
}

function failed(error: unknown, name = ''): number {
  const usage = usageMessage(error)
  if (usage !== null) {
    const command = Object.hasOwn(commands, name) ? ` ${name}` : ''
    console.error(`xstate-mqtt${command}: ${usage}\nSee xstate-mqtt${command} --help`)
    return 2
  }
  console.error(`xstate-mqtt ${name}: ${error instanceof Error ? error.message : String(error)}`)
  return 1
}

async function overview(): Promise<string> {
  const loaded = await Promise.all(Object.values(commands).map((load) => load()))
  const width = Math.max(...loaded.map(({ name }) => name.length))
  const rows = loaded.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`)
  return [
    'xstate-mqtt: the MQTT connection that never needs a restart',
    '',
    'Usage: xstate-mqtt <command> [options]',
    '',
    ...rows,
    '',
    'xstate-mqtt <command> --help prints the options of a command, xstate-mqtt --version the version.',
  ].join('\n')
}

function version(): string {
  const manifest = new URL(import.meta.resolve('xstate-mqtt/package.json'))
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}
