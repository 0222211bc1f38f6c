import { REDACTED, withoutSecrets } from '../shared/redaction.ts'

/** In code points. */
const MAX_TEXT = 256
/** What stands behind it is not looked at. In UTF-16 code units. */
const MAX_READ = 4_096

/** Control characters, lone surrogates, line separators, and what turns the direction of writing. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF]+/gu

/**
 * A text that a server or something in between sent, as it may enter the machine, an error or a log: on one line,
 * without what looks like a secret, and of at most 256 characters.
 */
export function serverText(text: string): string {
  return cut(withoutSecrets(printable(text)))
}

/**
 * A Server Reference (MQTT 5 §4.11), of which every name stays as it is: it leads to a host. User names, passwords,
 * queries and fragments, which it should not have, are redacted.
 */
export function serverReference(text: string): string {
  const servers = cut(printable(text)).split(' ')
  return servers.map((server) => server.replace(LOGIN, `$1${REDACTED}@`).replace(QUERY, `$1${REDACTED}`)).join(' ')
}

const LOGIN = /^([a-z][a-z\d+.-]*:\/\/)?[^/]*@/i
const QUERY = /([?#]).*$/

function printable(text: string): string {
  return text.slice(0, MAX_READ).replaceAll(UNPRINTABLE, ' ').trim()
}

function cut(text: string): string {
  if (text.length <= MAX_TEXT) return text
  const characters = Array.from(text)
  return characters.length <= MAX_TEXT ? text : `${characters.slice(0, MAX_TEXT - 1).join('')}…`
}
