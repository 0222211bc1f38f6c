import { MAX_DELAY } from '../../machines/policy/backoff.ts'
import { InvalidOptionError } from '../api/errors.ts'
import { nearestNames } from './nearest-name.ts'

/**
 * Checks the value of an option. It is not called for `undefined`, which counts as leaving the option out.
 *
 * @param option - the path of the option, such as `reconnect.maxDelay`
 * @throws {InvalidOptionError}
 */
export type Rule = (option: string, value: unknown) => void

/**
 * One rule for each option of a type. The compiler reports missing ones:
 * `const rules = { … } satisfies RulesFor<SomeOptions>`.
 */
export type RulesFor<Options> = Readonly<Record<keyof Options, Rule>>

type Rules = Readonly<Record<string, Rule>>

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
}

/**
 * Checks all options of one object: every name must be known, and every value must follow its rule.
 *
 * @throws {InvalidOptionError} for an unknown name without its value, which may be a secret
 */
export function checkByRules(options: object, rules: Rules, kind: OptionsOf): void {
  const { path = '' } = kind
  // Creates no list of names, because this runs for each message. `for … in` includes inherited options, which count
  // too.
  for (const name in options) {
    const value = (options as Record<string, unknown>)[name]
    if (value === undefined) continue
    if (!Object.hasOwn(rules, name)) throw unknownName(name, Object.keys(rules), kind)
    rules[name]?.(path === '' ? name : path + name, value)
  }
}

/**
 * Checks the options of a call.
 *
 * @param call - the name of the call, for errors
 * @throws {InvalidOptionError}
 */
export function checkCallOptions(call: string, options: unknown, rules: Rules, hint?: Hint): void {
  if (!isObject(options)) throw new InvalidOptionError('options', `of ${call} must be an object`, options)
  checkByRules(options, rules, { of: call, hint })
}

function unknownName(
  name: string,
  known: readonly string[],
  { of, path = '', hint = didYouMean }: OptionsOf,
): InvalidOptionError {
  const hinted = hint(name, known)
  return new InvalidOptionError(path + name, `is not an option of ${of}${hinted === undefined ? '' : `: ${hinted}`}`)
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

/** A nested object with options. */
export function group(rules: Rules, hint?: Hint): Rule {
  return (option, value) => {
    if (!isObject(value)) throw new InvalidOptionError(option, 'must be an object', value)
    checkByRules(value, rules, { of: option, path: `${option}.`, hint })
  }
}

/** Like `group`, but for secrets: the error does not show a value that is not an object. */
export function groupInSecret(rules: Rules, hint?: Hint): Rule {
  return (option, value) => {
    if (!isObject(value)) throw new InvalidOptionError(option, 'must be an object')
    checkByRules(value, rules, { of: option, path: `${option}.`, hint })
  }
}

/**
 * A nested object whose options another project defines and extends. Unknown names are passed on, unless they resemble
 * a known name that is not given: those count as typos.
 *
 * @param others - known names without a rule. If they are `undefined`, all unknown names are passed on
 */
export function openGroup(rules: Rules, others: readonly string[] | undefined): Rule {
  const known = others && [...Object.keys(rules), ...others]
  return (option, value) => {
    if (!isObject(value)) throw new InvalidOptionError(option, 'must be an object')
    const given = value as Record<string, unknown>
    if (known) checkForTypos(option, given, known)
    for (const [name, rule] of Object.entries(rules)) {
      if (given[name] !== undefined) rule(`${option}.${name}`, given[name])
    }
  }
}

function checkForTypos(option: string, given: Readonly<Record<string, unknown>>, known: readonly string[]): void {
  for (const name of Object.keys(given)) {
    if (given[name] === undefined || known.includes(name)) continue
    const missing = known.filter((each) => given[each] === undefined)
    const hint = didYouMean(name, missing)
    if (hint !== undefined) throw new InvalidOptionError(`${option}.${name}`, `is not an option of ${option}: ${hint}`)
  }
}

/** Any value, or a value that is checked elsewhere. */
export const anything: Rule = () => {}

export const boolean: Rule = must('must be one of true, false', (value) => typeof value === 'boolean')

export const string: Rule = must('must be a string', (value) => typeof value === 'string')

/** A duration in milliseconds that a timer can take. */
export const duration: Rule = must(
  `must be milliseconds between 0 and ${MAX_DELAY}`,
  (value) => typeof value === 'number' && value >= 0 && value <= MAX_DELAY,
)

/** A duration in milliseconds above 0. */
export const positive: Rule = must(
  'must be more than 0 milliseconds',
  (value) => typeof value === 'number' && value > 0,
)

/** A number of things, or Infinity. */
export const count: Rule = must(
  'must be a whole number of at least 0, or Infinity',
  (value) => value === Number.POSITIVE_INFINITY || (Number.isInteger(value) && (value as number) >= 0),
)

export const callback: Rule = must('must be a function', (value) => typeof value === 'function')

export const abortSignal: Rule = must('must be an AbortSignal', (value) => {
  const signal = Object(value) as Partial<AbortSignal>
  return typeof signal.aborted === 'boolean' && typeof signal.addEventListener === 'function'
})

export function wholeNumber(min: number, max: number): Rule {
  return must(
    `must be a whole number between ${min} and ${max}`,
    (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
  )
}

export function oneOf(...allowed: readonly unknown[]): Rule {
  return must(`must be one of ${allowed.map((each) => JSON.stringify(each)).join(', ')}`, (value) =>
    allowed.includes(value),
  )
}

/** An object of any class that has the methods. */
export function methods(...names: readonly string[]): Rule {
  return must(`must have the methods ${names.map((name) => `${name}()`).join(', ')}`, (value) =>
    names.every((name) => typeof (Object(value) as Record<string, unknown>)[name] === 'function'),
  )
}

/** A function, or a value that follows the rule. */
export function callbackOr(rule: Rule): Rule {
  return (option, value) => {
    if (typeof value !== 'function') rule(option, value)
  }
}

/** A value that passes a test. The error shows an invalid value. */
export function must(rule: string, isRight: (value: unknown) => boolean): Rule {
  return (option, value) => {
    if (!isRight(value)) throw new InvalidOptionError(option, rule, value)
  }
}

/** Like `must`, but the error does not show the value, which may be a secret. */
export function mustInSecret(rule: string, isRight: (value: unknown) => boolean): Rule {
  return (option, value) => {
    if (!isRight(value)) throw new InvalidOptionError(option, rule)
  }
}

/** Returns whether a value has named properties. A list, a `Map` and `Headers` keep their values elsewhere. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(Symbol.iterator in value)
}
