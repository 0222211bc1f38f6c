import { InvalidOptionError } from '../src/index.ts'
import { isObject } from '../src/shared/read-options.ts'

/** @throws {InvalidOptionError} if the options of a hook are not an object. @returns them, or empty options */
export function checkHookOptions<Options extends object>(hook: string, options: Options | undefined): Options {
  if (options === undefined) return {} as Options
  if (isObject(options)) return options
  throw new InvalidOptionError('options', `of ${hook} must be an object`, options)
}
