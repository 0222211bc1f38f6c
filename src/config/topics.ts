import { InvalidOptionError } from '../api/errors.ts'
import { brokenRule } from './mqtt-text.ts'

/**
 * Maximum number of levels of a topic or filter. Brokers allow far fewer (mosquitto 200, AWS IoT 8), and a text of
 * 65,535 bytes could have more levels than they, or this client, can process.
 */
const MAX_LEVELS = 1_000

/**
 * Checks a topic name (MQTT 5 §4.7).
 *
 * @throws {InvalidOptionError}
 */
export function checkTopic(topic: unknown, option = 'topic'): asserts topic is string {
  checkText(option, topic)
  if (topic.includes('+') || topic.includes('#')) {
    throw new InvalidOptionError(option, 'must not contain wildcards', topic)
  }
}

/** Whether a text is a topic name. */
export function isTopic(text: string): boolean {
  try {
    checkTopic(text)
    return true
  } catch {
    return false
  }
}

/** `checkTopic` as the rule of an option. */
export function topicRule(option: string, value: unknown): string {
  checkTopic(value, option)
  return value
}

/**
 * Checks a topic filter (MQTT 5 §4.7), including shared subscriptions (§4.8.2).
 *
 * @throws {InvalidOptionError}
 */
export function checkFilter(filter: unknown, option = 'filter'): asserts filter is string {
  checkText(option, filter)
  const levels = filter.split('/')
  const [first, share] = levels
  if (first === '$share') {
    if (levels.length < 3 || !share || /[+#]/.test(share)) {
      throw new InvalidOptionError(option, 'must be $share/{name}/{filter} with a name without wildcards', filter)
    }
    levels.splice(0, 2)
    if (levels.length === 1 && levels[0] === '') {
      throw new InvalidOptionError(option, 'must be $share/{name}/{filter} with a filter', filter)
    }
  }
  for (const [i, level] of levels.entries()) {
    if (level.includes('+') && level !== '+') {
      throw new InvalidOptionError(option, "must contain '+' only as a whole level", filter)
    }
    if (level.includes('#') && (level !== '#' || i < levels.length - 1)) {
      throw new InvalidOptionError(option, "must contain '#' only as the last level", filter)
    }
  }
}

/** `checkFilter` as the rule of an option. */
export function filterRule(option: string, value: unknown): string {
  checkFilter(value, option)
  return value
}

function checkText(option: string, text: unknown): asserts text is string {
  if (typeof text !== 'string' || text === '') {
    throw new InvalidOptionError(option, 'must be a string of at least 1 character', text)
  }
  const rule = brokenRule(text)
  if (rule !== undefined) throw new InvalidOptionError(option, rule, text)
  if (text.length >= MAX_LEVELS && levelsOf(text) > MAX_LEVELS) {
    throw new InvalidOptionError(option, `must have at most ${MAX_LEVELS} levels`, text)
  }
}

function levelsOf(text: string): number {
  let levels = 1
  for (let at = text.indexOf('/'); at >= 0; at = text.indexOf('/', at + 1)) levels++
  return levels
}
