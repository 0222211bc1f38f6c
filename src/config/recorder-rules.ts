import { InvalidOptionError } from '../api/errors.ts'
import { callback, group, must } from '../shared/option-rules.ts'
import type { Rule, RulesFor } from '../shared/read-options.ts'
import { nodeOptions } from './node-options.ts'

/** Of either kind. */
interface AnyRecorderOptions {
  readonly file: string
  readonly write: (line: string) => unknown
  readonly maxBytes: number
  readonly maxAge: number
}

export const recorderOptions = {
  file: nodeOptions
    ? must('must be the path of a file', (value) => typeof value === 'string' && value !== '')
    : must('needs Node: use recorder.write in a browser', () => false),
  write: callback,
  maxBytes: must('must be bytes of at least 65536', (value) => typeof value === 'number' && value >= 65_536),
  maxAge: must('must be milliseconds of at least 60000', (value) => typeof value === 'number' && value >= 60_000),
} satisfies RulesFor<AnyRecorderOptions>

/** The option `recorder`: either a file or a function. */
export const recorderRule: Rule = (option, value) => {
  const read = group(recorderOptions)(option, value) as Partial<AnyRecorderOptions>
  const { file, write, maxBytes, maxAge } = read
  if ((file === undefined) === (write === undefined)) {
    throw new InvalidOptionError(option, 'must have either file or write')
  }
  for (const [name, limit] of Object.entries({ maxBytes, maxAge })) {
    if (write && limit !== undefined) {
      throw new InvalidOptionError(`${option}.${name}`, 'needs file: write decides what it keeps')
    }
  }
  return read
}
