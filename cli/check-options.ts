import { InvalidOptionError } from '../src/api/errors.ts'
import type { ResilientMqttClientOptions } from '../src/api/options.ts'
import { parseOptions } from '../src/config/parse-options.ts'
import { UsageError } from './command.ts'

/**
 * Checks options by the rules of the library.
 *
 * @param sourceOf - where the value of an option comes from, for the error: a flag, a variable, or a path in a file
 * @throws {UsageError}
 */
export function checkOptions(options: ResilientMqttClientOptions, sourceOf: (option: string) => string): void {
  try {
    parseOptions(options)
  } catch (error) {
    if (!(error instanceof InvalidOptionError)) throw error
    throw new UsageError(`${sourceOf(error.option)}${error.message.slice(error.option.length)}`)
  }
}
