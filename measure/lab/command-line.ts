import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { parseArgs, type ParseArgsConfig } from 'node:util'

import { UsageError } from '../../cli/command.ts'

/**
 * What a script was asked for. It ends here with the usage if that is `--help`, and with code 2 if it is nothing that
 * there is.
 *
 * @param read - throws a UsageError at what is wrong
 */
export function asked<Options>(usage: string, read: (args: readonly string[]) => Options): Options {
  const args = process.argv.slice(2)
  if (args.includes('--help')) {
    console.log(usage)
    process.exit(0)
  }
  try {
    return read(args)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    console.error(`${error.message}\n\n${usage}`)
    process.exit(2)
  }
}

/** @throws {UsageError} at an unknown option, a missing value or a stray word */
export function parseOptions<const Flags extends NonNullable<ParseArgsConfig['options']>>(
  args: readonly string[],
  options: Flags,
) {
  try {
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** @throws {UsageError} */
export function positive(name: string, value: string): number {
  const number = Number(value)
  if (number > 0 && Number.isFinite(number)) return number
  throw new UsageError(`--${name} must be a number above 0, got ${quoted(value)}`)
}

/** @throws {UsageError} */
export function atLeastOne(name: string, value: string): number {
  const number = Number(value)
  if (Number.isSafeInteger(number) && number >= 1) return number
  throw new UsageError(`--${name} must be a whole number of at least 1, got ${quoted(value)}`)
}

/** @throws {UsageError} */
export function oneOf<const Allowed extends string>(name: string, value: string, allowed: readonly Allowed[]): Allowed {
  const found = allowed.find((each) => each === value)
  if (found !== undefined) return found
  throw new UsageError(`--${name} must be one of ${allowed.join(', ')}, got ${quoted(value)}`)
}

/** Several with commas between them. @throws {UsageError} */
export function someOf(name: string, value: string, allowed: readonly string[]): string[] {
  return value.split(',').map((each) => oneOf(name, each, allowed))
}

/**
 * A file to be written at the end, whose folder there is from now on: what took minutes must have a place.
 *
 * @throws {UsageError}
 */
export function writable(name: string, file: string): string {
  try {
    mkdirSync(dirname(file), { recursive: true })
  } catch (error) {
    throw new UsageError(`--${name} must be a file that can be written: ${(error as Error).message}`)
  }
  if (file !== '' && !statSync(file, { throwIfNoEntry: false })?.isDirectory()) return file
  throw new UsageError(`--${name} must be a file, got ${quoted(file)}`)
}

function quoted(value: string): string {
  return value === '' ? 'nothing' : value
}
