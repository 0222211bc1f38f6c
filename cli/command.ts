import { InvalidOptionError } from '../src/api/errors.ts'
import { withoutSecrets } from '../src/shared/redaction.ts'
import type { Shell } from './shell.ts'

/** An option of a command, for the command line and for the help. */
export interface Option {
  readonly type: 'string' | 'boolean'
  /** One letter. */
  readonly short?: string
  /** Other names, by which users of similar programs know it. The help does not show them. */
  readonly aliases?: readonly string[]
  readonly multiple?: boolean
  /** The placeholder for the value in the help, such as `<url>`. */
  readonly value?: string
  readonly description: string
  /** The heading in the help under which it stands. */
  readonly group?: string
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

/** A command without the types of its options. Its name and its summary stand in commands.ts. */
export interface Command {
  readonly options: Options
  /** The placeholder in the help for arguments that are not options. Without it, such arguments are an error. */
  readonly operands?: string
  /** Options that do not exist on purpose, such as `--password`, with the error message for each. */
  readonly refused?: Readonly<Record<string, string>>
  /** Paragraphs for the end of the help, which are wrapped. Lines that begin with two spaces are not. */
  readonly notes?: string
  /**
   * @returns the exit code
   * @throws {UsageError} if the value of an option is wrong
   */
  run(values: Readonly<Record<string, unknown>>, operands: readonly string[], shell: Shell): number | Promise<number>
}

interface Definition<O extends Options> extends Omit<Command, 'options' | 'run'> {
  readonly options: O
  run(values: Values<O>, operands: readonly string[], shell: Shell): number | Promise<number>
}

/** Defines a command. The types of its values follow from its options. */
export function defineCommand<const O extends Options>(definition: Definition<O>): Command {
  return {
    ...definition,
    run: (values, operands, shell) => definition.run(values as Values<O>, operands, shell),
  }
}

/**
 * The command line is wrong. The error is printed after the name of the command, without a stack trace, and the exit code is
 * 2. Its message therefore begins with a small letter, unless that is a name, and ends without a full stop.
 */
export class UsageError extends Error {
  override readonly name = 'UsageError'
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

/** An argument without a flag for which a command has no use. It may be a URL with a password. */
export function unexpected(argument: string): UsageError {
  return new UsageError(`unexpected argument '${withoutSecrets(argument)}'`)
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
