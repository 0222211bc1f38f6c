import { REDACTED } from '../shared/redaction.ts'
import { shortLine } from '../shared/safe-text.ts'

const LOGIN = /^([a-z][a-z\d+.-]*:\/\/)?[^/]*@/i
const QUERY = /([?#]).*$/

/**
 * Makes a Server Reference (MQTT 5 §4.11) safe. Host names are kept. User names, passwords, queries and fragments,
 * which it should not contain, are redacted.
 */
export function serverReference(text: string): string {
  const servers = shortLine(text).split(' ')
  return servers.map((server) => server.replace(LOGIN, `$1${REDACTED}@`).replace(QUERY, `$1${REDACTED}`)).join(' ')
}
