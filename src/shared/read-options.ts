import { InvalidOptionError } from '../api/errors.ts'
import { nearestNames } from './nearest-name.ts'

/**
 * Checks the value of an option. It is not called for `undefined`, which counts as leaving the option out.
 *
 * @param option - the path of the option, such as `reconnect.maxDelay`
 * @returns what to use: the value itself, or a frozen copy, which the application cannot change later
 * @throws {InvalidOptionError}
 */
export type Rule = (option: string, value: unknown) => unknown

/**
 * One rule for each option of a type. The compiler reports missing ones:
 * `const rules = { … } satisfies RulesFor<SomeOptions>`.
 */
export type RulesFor<Options> = Readonly<Record<keyof Options, Rule>>

export type Rules = Readonly<Record<string, Rule>>

/** Returns a hint for an unknown name, such as `did you mean maxDelay?` or `see options`. */
export type Hint = (name: string, known: readonly string[]) => string | undefined

/** Describes a group of options for errors. */
export interface OptionsOf {
  /** The owner of the options: a call such as `publish`, or the path of a group. */
  readonly of: string
  /** The prefix of their names: empty, or the path of a group followed by a dot. */
  readonly path?: string
  /** @default suggests the nearest names */
  readonly hint?: Hint | undefined
  /** Copies the options that have no rule. @default they are errors */
  readonly others?: Rule
}

type Fields = Readonly<Record<string, unknown>>

/**
 * Reads each option of an object once, whether it is the object's own, inherited, or a getter of its class, and checks
 * it: every name must be known, and every value must follow its rule.
 *
 * @returns a frozen copy with the options that are given, which may be empty
 * @throws {InvalidOptionError} for an unknown name without its value, which may be a secret
 */
export function readByRules<Options extends object>(options: Options, rules: Rules, kind: OptionsOf): Options {
  const { path = '', others } = kind
  const read: Record<string, unknown> = {}
  let last = ''
  try {
    for (const name in options) {
      if (Object.hasOwn(rules, name)) continue
      last = name
      const value = (options as Fields)[name]
      if (value === undefined) continue
      if (!others) throw unknownName(name, Object.keys(rules), kind)
      Object.defineProperty(read, name, { value: others(path + name, value), enumerable: true })
    }
    // By the names of the rules, because `for … in` does not list the getters of a class.
    for (const name in rules) {
      last = name
      const value = (options as Fields)[name]
      if (value === undefined) continue
      const checked = rules[name]?.(path + name, value)
      if (checked !== undefined) read[name] = checked
    }
  } catch (error) {
    throw invalid(path + last || kind.of, error)
  }
  return Object.freeze(read) as Options
}

/**
 * Reads and checks the options of a call.
 *
 * @param call - the name of the call, for errors
 * @returns a frozen copy
 * @throws {InvalidOptionError}
 */
export function readCallOptions<Options extends object>(
  call: string,
  options: Options,
  rules: Rules,
  hint?: Hint,
): Options {
  return readByRules(objectOf(call, options), rules, { of: call, hint })
}

/**
 * Like `readCallOptions`, but a plain object is used as it is: see `checkByRules`.
 *
 * @returns the options, or a frozen copy
 * @throws {InvalidOptionError}
 */
export function checkCallOptions<Options extends object>(call: string, options: Options, rules: Rules): Options {
  if (!isPlain(options)) return readCallOptions(call, options, rules)
  checkByRules(options, rules, { of: call })
  return options
}

/**
 * Checks that a name is one of the known names.
 *
 * @param what - describes a valid name, such as `an event of the client`
 * @throws {InvalidOptionError}
 */
export function checkName(option: string, what: string, name: unknown, known: readonly string[], hintOf: Hint): void {
  if (typeof name === 'string' && known.includes(name)) return
  const hint = typeof name === 'string' ? hintOf(name, known) : undefined
  throw new InvalidOptionError(option, `must be ${what}${hint === undefined ? '' : ` (${hint})`}`, name)
}

/**
 * Suggests the nearest known names.
 *
 * @param path - the prefix of the names in the suggestion
 * @returns `undefined` if no name is near
 */
export function didYouMean(name: string, known: readonly string[], path = ''): string | undefined {
  const nearest = nearestNames(name, known)
  return nearest.length > 0 ? `did you mean ${nearest.map((each) => path + each).join(' or ')}?` : undefined
}

/** Returns whether a value has named properties. A list, a `Map` and `Headers` keep their values elsewhere. */
export function isObject(value: unknown): value is object {
  try {
    return typeof value === 'object' && value !== null && !(Symbol.iterator in value)
  } catch {
    // A proxy.
    return false
  }
}

/** Returns whether a value is an object without a class. */
export function isPlain(value: unknown): value is object {
  if (!isObject(value)) return false
  try {
    const prototype: unknown = Object.getPrototypeOf(value)
    return prototype === Object.prototype || prototype === null
  } catch {
    // A proxy.
    return false
  }
}

/** Returns the own and the inherited properties of an object, each read once. @throws what a getter or proxy throws */
export function entriesOf(value: object): [name: string, value: unknown][] {
  const entries: [string, unknown][] = []
  for (const name in value) entries.push([name, (value as Fields)[name]])
  return entries
}

/**
 * Checks options that are used as they are, without a copy, because this runs for each message.
 *
 * @throws {InvalidOptionError} as `readByRules`
 */
function checkByRules(options: object, rules: Rules, kind: OptionsOf): void {
  const { path = '' } = kind
  let last = ''
  try {
    // Creates no list of names. `for … in` includes inherited options, which count too.
    for (const name in options) {
      last = name
      const value = (options as Fields)[name]
      if (value === undefined) continue
      if (!Object.hasOwn(rules, name)) throw unknownName(name, Object.keys(rules), kind)
      rules[name]?.(path === '' ? name : path + name, value)
    }
  } catch (error) {
    throw invalid(path + last || kind.of, error)
  }
}

/** The error for anything that a rule, or a getter or proxy of the application, throws. */
function invalid(option: string, error: unknown): InvalidOptionError {
  if (error instanceof InvalidOptionError) return error
  return Object.assign(new InvalidOptionError(option, 'cannot be read'), { cause: error })
}

function objectOf<Options>(call: string, options: Options): Options & object {
  if (isObject(options)) return options
  throw new InvalidOptionError('options', `of ${call} must be an object`, options)
}

function unknownName(
  name: string,
  known: readonly string[],
  { of, path = '', hint = didYouMean }: OptionsOf,
): InvalidOptionError {
  const hinted = hint(name, known)
  return new InvalidOptionError(path + name, `is not an option of ${of}${hinted === undefined ? '' : `: ${hinted}`}`)
}
