import { REDACTED, withoutSecrets } from '../shared/redaction.ts'
import { kindOfName } from '../shared/secret-names.ts'

const MAX_TEXT = 1_000

/**
 * Writes a line of a recording, redacted by the rules of the visualizer: texts without parts that look like secrets, and no
 * text under a name such as `password`. Nothing that the machine decides by is changed.
 */
export function redactedJson(line: object): string {
  return JSON.stringify(line, redacted)
}

function redacted(name: string, value: unknown): unknown {
  if (typeof value !== 'string') return typeof value === 'bigint' ? String(value) : value
  return kindOfName(name).strings ? REDACTED : withoutSecrets(value).slice(0, MAX_TEXT)
}
