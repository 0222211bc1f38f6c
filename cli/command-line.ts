import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { withoutSecrets } from '../src/shared/redaction.ts'
import { type Command, UsageError, usageMessage } from './command.ts'
import { commands } from './commands.ts'
import { commandHelp, helpWidth, table } from './help.ts'
import { installAdvice, missingPackage } from './missing-package.ts'
import { parseCommandLine, suggestion } from './parse-command-line.ts'
import { print, printError, type Shell } from './shell.ts'
import { harmless } from './terminal.ts'
import { wrap } from './wrap.ts'

/**
 * Runs the command line.
 *
 * @returns the exit code: that of the command, 1 if it failed, 2 if the command line is wrong
 */
export async function runCommandLine([name, ...args]: readonly string[], shell: Shell): Promise<number> {
  try {
    switch (name) {
      case '--version':
        print(shell, version())
        return 0
      case undefined:
        print(shell, overview(shell))
        return 2
      case '--help':
      case '-h':
      case 'help':
        print(shell, args[0] === undefined ? overview(shell) : await helpOf(args[0], shell))
        return 0
      default:
        return await runCommand(name, args, shell)
    }
  } catch (error) {
    return failed(error, name ?? '', shell)
  }
}

async function runCommand(name: string, args: readonly string[], shell: Shell): Promise<number> {
  const command = await load(name)
  const { values, operands } = parseCommandLine(args, command)
  if (values.help !== true) return command.run(values, operands, shell)
  print(shell, await helpOf(name, shell))
  return 0
}

/** @throws {UsageError} if there is no such command */
async function load(name: string): Promise<Command> {
  const entry = entryOf(name)
  if (entry) return entry.load()
  const names = Object.keys(commands)
  const near = suggestion(name, [...names, 'help', '--help', '--version'])
  throw new UsageError(
    `there is no command '${withoutSecrets(name)}'${near || `. The commands are ${names.join(', ')}`}`,
  )
}

async function helpOf(name: string, { stdout }: Shell): Promise<string> {
  const command = await load(name)
  return commandHelp(name, entryOf(name)?.summary ?? '', command, helpWidth(stdout))
}

function entryOf(name: string) {
  return Object.hasOwn(commands, name) ? commands[name] : undefined
}

function overview({ stdout }: Shell): string {
  const width = helpWidth(stdout)
  return [
    ...wrap('xstate-mqtt: the MQTT connection that never needs a restart', width),
    '',
    ...wrap('Usage: xstate-mqtt <command> [options]', width),
    '',
    ...table(
      Object.entries(commands).map(([name, { summary }]) => [name, summary]),
      width,
    ),
    '',
    ...wrap('xstate-mqtt <command> --help prints the options of a command, xstate-mqtt --version the version.', width),
  ].join('\n')
}

function failed(error: unknown, name: string, shell: Shell): number {
  const command = entryOf(name) ? ` ${name}` : ''
  const usage = usageMessage(error)
  if (usage !== null) {
    printError(shell, `xstate-mqtt${command}: ${harmless(usage)}\nSee xstate-mqtt${command} --help`)
    return 2
  }
  printError(shell, `xstate-mqtt${command}: ${harmless(messageOf(error, name))}`)
  return 1
}

function messageOf(error: unknown, name: string): string {
  const missing = missingPackage(error)
  if (missing !== undefined) {
    return installAdvice(missing, name, { file: fileURLToPath(import.meta.url), folder: process.cwd() })
  }
  return error instanceof Error ? error.message : String(error)
}

function version(): string {
  const manifest = new URL(import.meta.resolve('xstate-mqtt/package.json'))
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { version: string }).version
}
