import { mkdirSync, statSync } from 'node:fs'
import { dirname } from 'node:path'

import { InvalidOptionError } from '../../src/api/errors.ts'

/**
 * Reads the command line of this script. With `--help` it prints the usage and ends the process; if an option is wrong,
 * it prints the error and the usage, and ends with code 2.
 *
 * @param read - throws an `InvalidOptionError`, or the error of `parseArgs`, if an option is wrong
 */
export function commandLine<Options>(usage: string, read: (args: string[]) => Options): Options {
  const args = process.argv.slice(2)
  if (args.includes('--help')) {
    console.log(usage)
    process.exit(0)
  }
  try {
    return read(args)
  } catch (error) {
    if (!isUsageError(error)) throw error
    console.error(`${error.message}\n\n${usage}`)
    process.exit(2)
  }
}

/** @throws {InvalidOptionError} */
export function positive(name: string, value: string): number {
  const number = Number(value)
  if (number > 0 && Number.isFinite(number)) return number
  throw new InvalidOptionError(`--${name}`, 'must be a number above 0', value)
}

/** @throws {InvalidOptionError} */
export function atLeastOne(name: string, value: string): number {
  const number = Number(value)
  if (Number.isSafeInteger(number) && number >= 1) return number
  throw new InvalidOptionError(`--${name}`, 'must be a whole number of at least 1', value)
}

/** @throws {InvalidOptionError} */
export function oneOf<const Allowed extends string>(name: string, value: string, allowed: readonly Allowed[]): Allowed {
  const found = allowed.find((each) => each === value)
  if (found !== undefined) return found
  throw new InvalidOptionError(`--${name}`, `must be one of ${allowed.join(', ')}`, value)
}

/** Reads several values, separated by commas. @throws {InvalidOptionError} */
export function someOf<const Allowed extends string>(
  name: string,
  value: string,
  allowed: readonly Allowed[],
): Allowed[] {
  return value.split(',').map((each) => oneOf(name, each, allowed))
}

/**
 * Checks that a file can be written, and makes its folder. It is called first, so that a measurement of many minutes
 * does not fail at its end.
 *
 * @throws {InvalidOptionError}
 */
export function writable(name: string, file: string): string {
  try {
    mkdirSync(dirname(file), { recursive: true })
  } catch (error) {
    throw new InvalidOptionError(`--${name}`, `must be a file that can be written: ${(error as Error).message}`)
  }
  if (file !== '' && !statSync(file, { throwIfNoEntry: false })?.isDirectory()) return file
  throw new InvalidOptionError(`--${name}`, 'must be a file', file)
}

/** `parseArgs` marks the errors of the command line by their codes. */
function isUsageError(error: unknown): error is Error {
  if (error instanceof InvalidOptionError) return true
  return error instanceof Error && String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS_')
}
