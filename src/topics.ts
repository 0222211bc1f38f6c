import { InvalidOptionError } from './errors.ts'
import { isLonger } from './session/byte-length.ts'

const MAX_BYTES = 65_535

/**
 * Checks a topic name (MQTT 5 §4.7).
 *
 * @throws {InvalidOptionError}
 */
export function checkTopic(topic: unknown, option = 'topic'): asserts topic is string {
  checkText(option, topic)
  if (topic.includes('+') || topic.includes('#')) throw new InvalidOptionError(option, 'must have no wildcards', topic)
}

/**
 * Checks a topic filter (MQTT 5 §4.7), shared subscriptions included (§4.8.2).
 *
 * @throws {InvalidOptionError}
 */
export function checkFilter(filter: unknown): asserts filter is string {
  checkText('filter', filter)
  const levels = filter.split('/')
  const [first, share] = levels
  if (first === '$share') {
    if (levels.length < 3 || !share || /[+#]/.test(share)) {
      throw new InvalidOptionError('filter', 'must be $share/{name}/{filter} with a name without wildcards', filter)
    }
    return checkFilter(levels.slice(2).join('/'))
  }
  for (const [i, level] of levels.entries()) {
    if (level.includes('+') && level !== '+') {
      throw new InvalidOptionError('filter', "must have '+' only as a whole level", filter)
    }
    if (level.includes('#') && (level !== '#' || i < levels.length - 1)) {
      throw new InvalidOptionError('filter', "must have '#' only as the last level", filter)
    }
  }
}

function checkText(option: string, text: unknown): asserts text is string {
  if (typeof text !== 'string' || text === '') {
    throw new InvalidOptionError(option, 'must be a string of at least 1 character', text)
  }
  if (text.includes('\0')) throw new InvalidOptionError(option, 'must not contain U+0000', text)
  if (isLonger(text, MAX_BYTES)) {
    throw new InvalidOptionError(option, `must be at most ${MAX_BYTES} bytes of UTF-8`, `${text.slice(0, 20)}…`)
  }
}
