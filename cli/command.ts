import { parseArgs } from 'node:util'

import { InvalidOptionError } from '../src/api/errors.ts'

/** An option of a command, for `parseArgs` and for the help. */
export interface Option {
  readonly type: 'string' | 'boolean'
  readonly multiple?: boolean
  /** The placeholder for the value in the help, such as `<url>`. */
  readonly value?: string
  readonly description: string
}

export type Options = Readonly<Record<string, Option>>

/** The values of the given options. */
export type Values<O extends Options> = {
  readonly [K in keyof O]?: O[K] extends { type: 'boolean' }
    ? boolean
    : O[K] extends { multiple: true }
      ? readonly string[]
      : string
}

export interface Command {
  readonly name: string
  /** One line, for the list of commands. */
  readonly summary: string
  readonly help: string
  /**
   * @returns the exit code
   * @throws {UsageError} if an option is unknown or wrong
   */
  run(args: readonly string[]): number | Promise<number>
}

/** The command line is wrong. The error is printed without a stack trace, and the exit code is 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

interface Definition<O extends Options> {
  readonly name: string
  readonly summary: string
  /** Paragraphs for the end of the help. */
  readonly notes?: string
  readonly options: O
  /** The placeholder in the help for arguments that are not options. Without it, such arguments are an error. */
  readonly operands?: string
  /** Options that do not exist on purpose, with the error message for each. */
  readonly refused?: Readonly<Record<string, string>>
  run(values: Values<O>, operands: readonly string[]): number | Promise<number>
}

export function defineCommand<const O extends Options>(definition: Definition<O>): Command {
  const { name, summary, options, operands, refused = {} } = definition
  const help = helpOf(definition)
  return {
    name,
    summary,
    help,
    run(args) {
      const parsed = parse(args, { ...options, help: { type: 'boolean', description: '' } }, refused, operands)
      const { values } = parsed
      if (values.help) {
        console.log(help)
        return 0
      }
      return definition.run(values as Values<O>, parsed.positionals)
    },
  }
}

/**
 * The message for a wrong command line.
 *
 * @param flags - the flags of the command line for the library's options
 * @returns `null` if the error is not about the command line
 */
export function usageMessage(error: unknown, flags: Readonly<Record<string, string>> = {}): string | null {
  if (error instanceof UsageError) return error.message
  if (!(error instanceof InvalidOptionError)) return null
  return error.message.replaceAll(/\b[a-z]+(?:\.[a-zA-Z]+)+\b/g, (option) => flags[option] ?? option)
}

/**
 * Checks that a value is one of those allowed.
 *
 * @throws {UsageError}
 */
export function oneOf<const Allowed extends string>(flag: string, value: string, allowed: readonly Allowed[]): Allowed {
  const found = allowed.find((each) => each === value)
  if (found !== undefined) return found
  throw new UsageError(`${flag} must be one of ${allowed.join(', ')}, got '${value}'`)
}

function parse(
  args: readonly string[],
  options: Options,
  refused: Readonly<Record<string, string>>,
  operands: string | undefined,
) {
  for (const arg of args) {
    const why = refused[arg.split('=', 1)[0] ?? '']
    if (why) throw new UsageError(why)
  }
  try {
    return parseArgs({ args: [...args], options, strict: true, allowPositionals: operands !== undefined })
  } catch (error) {
    throw new UsageError(parseMessage(error as Error & { code?: string }))
  }
}

/** Shortens Node's messages to their first sentence. */
function parseMessage({ message, code }: Error & { code?: string }): string {
  if (code === 'ERR_PARSE_ARGS_UNEXPECTED_POSITIONAL') {
    return message.replace(/^(Unexpected argument '[^]*?')\.[^]*$/, '$1')
  }
  return message.replace(/^([^.]*)\. [^]*$/, '$1')
}

function helpOf({ name, summary, options, operands, notes }: Definition<Options>): string {
  const rows = Object.entries(options).map(
    ([option, { value, description }]) => [`--${option}${value ? ` ${value}` : ''}`, description] as const,
  )
  const width = Math.max(...rows.map(([flag]) => flag.length), '--help'.length)
  const lines = [...rows, ['--help', 'prints this text'] as const].map(
    ([flag, description]) => `  ${flag.padEnd(width)}  ${description.replaceAll('\n', `\n${' '.repeat(width + 4)}`)}`,
  )
  const end = notes ? `\n\n${notes}` : ''
  return `xstate-mqtt ${name}: ${summary}\n\nUsage: xstate-mqtt ${name} ${operands ? `${operands} ` : ''}[options]\n\n${lines.join('\n')}${end}`
}
