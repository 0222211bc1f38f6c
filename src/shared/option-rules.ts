import { MAX_DELAY } from '../../machines/policy/backoff.ts'
import { InvalidOptionError } from '../api/errors.ts'
import { nearestNames } from './nearest-name.ts'

/**
 * Checks the value of an option, which is not `undefined`: that is the same as leaving it out.
 *
 * @param option - its path, such as `reconnect.maxDelay`
 * @throws {InvalidOptionError}
 */
export type Rule = (option: string, value: unknown) => void

/**
 * What options there are, and what their values must be. The compiler tells when one is missing:
 * `const rules = { … } satisfies RulesFor<SomeOptions>`.
 */
export type RulesFor<Options> = Readonly<Record<keyof Options, Rule>>

type Rules = Readonly<Record<string, Rule>>

/** What to say of an unknown name, beside those that are known: `did you mean maxDelay?`, `see options`. */
export type Hint = (name: string, known: readonly string[]) => string | undefined

/** Options of one kind. */
export interface OptionsOf {
  /** What they are options of, in words: `publish`, or the path of a group. */
  readonly of: string
  /** What stands before their names: nothing, or the path of a group with a point after it. */
  readonly path?: string
  /** @default the nearest names */
  readonly hint?: Hint | undefined
}

/**
 * Checks all options of one object: that there is no unknown name, and each value by its rule.
 *
 * @throws {InvalidOptionError} of an unknown name without its value, which may be a secret
 */
export function checkByRules(options: object, rules: Rules, kind: OptionsOf): void {
  const { path = '' } = kind
  // No list of names is made: this is on the path of each message. What is inherited counts, as it does when it is read.
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
 * @param call - its name
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
  return new InvalidOptionError(path + name, `is no option of ${of}${hinted === undefined ? '' : `: ${hinted}`}`)
}

/**
 * Checks the name of something that is there: of an event, say.
 *
 * @param what - what it must be, in words: `an event of the client`
 * @throws {InvalidOptionError}
 */
export function checkName(option: string, what: string, name: unknown, known: readonly string[], hintOf: Hint): void {
  if (typeof name === 'string' && known.includes(name)) return
  const hint = typeof name === 'string' ? hintOf(name, known) : undefined
  throw new InvalidOptionError(option, `must be ${what}${hint === undefined ? '' : ` (${hint})`}`, name)
}

/**
 * @param path - what stands before the names
 * @returns `undefined` if no name is near
 */
export function didYouMean(name: string, known: readonly string[], path = ''): string | undefined {
  const nearest = nearestNames(name, known)
  return nearest.length > 0 ? `did you mean ${nearest.map((each) => path + each).join(' or ')}?` : undefined
}

/** A group of options, in an object. */
export function group(rules: Rules, hint?: Hint): Rule {
  return (option, value) => {
    if (!isObject(value)) throw new InvalidOptionError(option, 'must be an object', value)
    checkByRules(value, rules, { of: option, path: `${option}.`, hint })
  }
}

/** A group that holds secrets: what is given instead of an object is not told. */
export function groupInSecret(rules: Rules, hint?: Hint): Rule {
  return (option, value) => {
    if (!isObject(value)) throw new InvalidOptionError(option, 'must be an object')
    checkByRules(value, rules, { of: option, path: `${option}.`, hint })
  }
}

/**
 * A group whose names another project decides, and adds to: a name that we do not know is passed on, unless it is nearly
 * one that we know, and that one is not given.
 *
 * @param others - names that we know, and have no rules for
 */
export function openGroup(rules: Rules, others: readonly string[] = []): Rule {
  const known = [...Object.keys(rules), ...others]
  return (option, value) => {
    if (!isObject(value)) throw new InvalidOptionError(option, 'must be an object')
    const given = value as Record<string, unknown>
    for (const name of Object.keys(given)) {
      if (given[name] === undefined || known.includes(name)) continue
      const missing = known.filter((each) => given[each] === undefined)
      const hint = didYouMean(name, missing)
      if (hint !== undefined) throw new InvalidOptionError(`${option}.${name}`, `is no option of ${option}: ${hint}`)
    }
    for (const [name, rule] of Object.entries(rules)) {
      if (given[name] !== undefined) rule(`${option}.${name}`, given[name])
    }
  }
}

/** What may be anything, or is checked elsewhere. */
export const anything: Rule = () => {}

export const boolean: Rule = must('must be one of true, false', (value) => typeof value === 'boolean')

export const string: Rule = must('must be a string', (value) => typeof value === 'string')

/** Milliseconds. */
export const duration: Rule = must(
  `must be milliseconds between 0 and ${MAX_DELAY}`,
  (value) => typeof value === 'number' && value >= 0 && value <= MAX_DELAY,
)

/** Milliseconds. */
export const positive: Rule = must(
  'must be more than 0 milliseconds',
  (value) => typeof value === 'number' && value > 0,
)

/** How many, without a bound. */
export const count: Rule = must(
  'must be a whole number of at least 0',
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

/** An object of any class that has these methods. */
export function methods(...names: readonly string[]): Rule {
  return must(`must have ${names.map((name) => `${name}()`).join(', ')}`, (value) =>
    names.every((name) => typeof (Object(value) as Record<string, unknown>)[name] === 'function'),
  )
}

/** A function, or what follows another rule. */
export function callbackOr(rule: Rule): Rule {
  return (option, value) => {
    if (typeof value !== 'function') rule(option, value)
  }
}

/** A value that is told if it is wrong. */
export function must(rule: string, isRight: (value: unknown) => boolean): Rule {
  return (option, value) => {
    if (!isRight(value)) throw new InvalidOptionError(option, rule, value)
  }
}

/** A value that is not told if it is wrong: it may be a secret. */
export function mustInSecret(rule: string, isRight: (value: unknown) => boolean): Rule {
  return (option, value) => {
    if (!isRight(value)) throw new InvalidOptionError(option, rule)
  }
}

/** One with names and values: those of a list, a `Map` or `Headers` are not found under their names. */
export function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !(Symbol.iterator in value)
}
