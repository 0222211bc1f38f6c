import { MAX_DELAY } from '../../machines/policy/backoff.ts'
import { InvalidOptionError } from '../api/errors.ts'
import { copyOf, isBytes } from './bytes.ts'
import {
  didYouMean,
  entriesOf,
  type Hint,
  isObject,
  isPlain,
  readByRules,
  type Rule,
  type Rules,
} from './read-options.ts'

/** A nested object with options. */
export function group(rules: Rules, hint?: Hint): Rule {
  return (option, value) => {
    if (!isObject(value)) throw new InvalidOptionError(option, 'must be an object', value)
    return readByRules(value, rules, { of: option, path: `${option}.`, hint })
  }
}

/** Like `group`, but for secrets: the error does not show a value that is not an object. */
export function groupInSecret(rules: Rules, hint?: Hint): Rule {
  return (option, value) => {
    if (!isObject(value)) throw new InvalidOptionError(option, 'must be an object')
    return readByRules(value, rules, { of: option, path: `${option}.`, hint })
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
    const read = readByRules(value, rules, { of: option, path: `${option}.`, others: data })
    if (known) checkForTypos(option, Object.keys(read), known)
    return read
  }
}

function checkForTypos(option: string, given: readonly string[], known: readonly string[]): void {
  for (const name of given) {
    if (known.includes(name)) continue
    const missing = known.filter((each) => !given.includes(each))
    const hint = didYouMean(name, missing)
    if (hint !== undefined) throw new InvalidOptionError(`${option}.${name}`, `is not an option of ${option}: ${hint}`)
  }
}

/** Any value, or a value that is checked elsewhere. */
export const anything: Rule = (_option, value) => value

/** Any value. Data is copied: lists, bytes and plain objects. An object of a class stays as it is. */
export const data: Rule = (_option, value) => plainCopy(value)

export const boolean: Rule = must('must be true or false', (value) => typeof value === 'boolean')

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
  return (option, value) => (typeof value === 'function' ? value : rule(option, value))
}

/** A value that passes a test. The error shows an invalid value. */
export function must(rule: string, isRight: (value: unknown) => boolean): Rule {
  return (option, value) => {
    if (!isRight(value)) throw new InvalidOptionError(option, rule, value)
    return value
  }
}

/** Like `must`, but the error does not show the value, which may be a secret. */
export function mustInSecret(rule: string, isRight: (value: unknown) => boolean): Rule {
  return (option, value) => {
    if (!isRight(value)) throw new InvalidOptionError(option, rule)
    return value
  }
}

function plainCopy(value: unknown): unknown {
  if (isBytes(value)) return copyOf(value)
  if (Array.isArray(value)) return Object.freeze(value.map(plainCopy))
  if (!isPlain(value)) return value
  return Object.freeze(Object.fromEntries(entriesOf(value).map(([name, each]) => [name, plainCopy(each)])))
}
