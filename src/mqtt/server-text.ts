import { REDACTED, withoutSecrets } from '../shared/redaction.ts'

/** In code points. */
const MAX_TEXT = 256
/** Text after this length is ignored. In UTF-16 code units. */
const MAX_READ = 4_096

/** Control characters, lone surrogates, line separators, and characters that change the direction of text. */
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069\uFEFF]+/gu

/**
 * Makes a text from a server or a proxy safe for the machine, errors and logs: one line, at most 256 characters, and no
 * text that looks like a secret.
 */
export function serverText(text: string): string {
  return cut(withoutSecrets(printable(text)))
}

/**
 * Makes a Server Reference (MQTT 5 §4.11) safe. Host names are kept. User names, passwords, queries and fragments,
 * which it should not contain, are redacted.
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
