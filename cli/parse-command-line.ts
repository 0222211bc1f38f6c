import { parseArgs } from 'node:util'

import { nearestNames } from '../src/shared/nearest-name.ts'
import { type Command, type Option, type Options, unexpected, UsageError } from './command.ts'

export interface CommandLine {
  readonly values: Readonly<Record<string, unknown>>
  readonly operands: readonly string[]
}

/** The options of a command, with `--help`. In commands that connect, `-h` is `--host`, as in mosquitto_sub. */
export function optionsOf({ options }: Command): Options {
  const isTaken = Object.values(options).some(({ short }) => short === 'h')
  return { ...options, help: { type: 'boolean', ...(!isTaken && { short: 'h' }), description: 'prints this text' } }
}

/**
 * Parses the arguments of a command.
 *
 * @throws {UsageError} if an option is unknown, refused or lacks its value, or if an argument is not expected
 */
export function parseCommandLine(args: readonly string[], command: Command): CommandLine {
  // Alone, it cannot be the host.
  if (args.length === 1 && args[0] === '-h') return { values: { help: true }, operands: [] }
  const names = namesOf(optionsOf(command))
  const options = Object.fromEntries(
    names.map(({ name, short, option: { type } }) => [name, { type, ...(short && { short }) }]),
  )
  // Not strict, because Node's messages suggest nothing, and `--message -5` would be an error.
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true })
  const values: Record<string, unknown> = {}
  const operands: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind !== 'option') continue
    const why = command.refused?.[token.rawName]
    if (why !== undefined) throw new UsageError(why)
    const named = names.find(({ name }) => name === token.name)
    if (!named) throw unknownOption(token.rawName, names)
    const { key, option } = named
    const value = valueOf(token, option, names)
    values[key] = option.multiple ? [...((values[key] as string[] | undefined) ?? []), value] : value
  }
  if (command.operands === undefined && operands[0] !== undefined && values.help !== true) {
    throw unexpectedIn(command, operands[0])
  }
  return { values, operands }
}

/**
 * Suggests the nearest names, as the end of an error message: `. Did you mean --topic?`
 *
 * @param prefix - stands before each suggested name
 */
export function suggestion(typed: string, known: readonly string[], prefix = ''): string {
  const nearest = nearestNames(typed, known)
  return nearest.length > 0 ? `. Did you mean ${nearest.map((each) => prefix + each).join(' or ')}?` : ''
}

interface Named {
  readonly name: string
  readonly short: string | undefined
  /** The name under which its value is returned: that of the option, also for an alias. */
  readonly key: string
  readonly option: Option
}

/** Every option by its name and its aliases. */
function namesOf(options: Options): readonly Named[] {
  return Object.entries(options).flatMap(([key, option]) => [
    { name: key, short: option.short, key, option },
    ...(option.aliases ?? []).map((name) => ({ name, short: undefined, key, option })),
  ])
}

interface OptionToken {
  readonly rawName: string
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
}

function valueOf({ rawName, value, inlineValue }: OptionToken, option: Option, names: readonly Named[]): string | true {
  if (option.type === 'boolean') {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value, got '${value}'`)
    return true
  }
  // `--topic --qos 1`: the value is missing.
  const isMissing = value === undefined || (inlineValue !== true && isOption(value, names))
  if (isMissing) throw new UsageError(`${rawName} needs a value: ${rawName} ${option.value}`)
  return value
}

function isOption(text: string, names: readonly Named[]): boolean {
  const [flag] = text.split('=', 1)
  return names.some(({ name, short }) => flag === `--${name}` || (short !== undefined && text === `-${short}`))
}

function unexpectedIn({ options }: Command, operand: string): UsageError {
  const error = unexpected(operand)
  const isUrl = operand.includes('://') && Object.hasOwn(options, 'url')
  return isUrl ? new UsageError(`${error.message}: give the URL by --url`) : error
}

function unknownOption(rawName: string, names: readonly Named[]): UsageError {
  // A single letter is as near to any other.
  const known = rawName.startsWith('--') ? names.map(({ name }) => name) : []
  return new UsageError(`unknown option '${rawName}'${suggestion(rawName.slice(2), known, '--')}`)
}
